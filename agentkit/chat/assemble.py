"""Many deltas, or one whole message, into one reply.  Nothing here waits.

What the pieces are put together from is read without trust: any JSON at all makes some reply.
"""

from collections.abc import Collection, Iterable, Mapping

from pydantic import JsonValue

from agentkit.chat.calls import Calls
from agentkit.chat.growing import Growing
from agentkit.chat.profiles import UNKNOWN, Profile
from agentkit.chat.reading import EMPTY, Json, object_of, packed, string_of
from agentkit.chat.tags import Piece, Tags
from agentkit.chat.thought import KNOWN, PARTS, Thought
from agentkit.chat.usage import cost_of, usage_in, usage_of
from agentkit.events import FinishReason, TextDelta
from agentkit.messages import Message
from agentkit.model import Emit, Reply

_KNOWN = {"role", "content", "tool_calls", "function_call", "refusal", *KNOWN}
"""Keys of a message with a meaning of their own."""

_HUSKS = {"audio", "annotations", "name", "index", "parsed"}
"""Keys that come with nothing in them and never go back."""

FINISH_REASONS: Mapping[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
}
"""The words of the vendors; any other is `other`."""


class Assembler:
    """Takes the chunks of one reply.

    Args:
        emit: Is told the deltas.
        offered: Names of the tools of the request, onto which a mangled name is mapped.
        origin: Host and model, to be noted on the message.
        profile: Where the provider puts reasoning, and whether its pieces repeat themselves.

    Attributes:
        begun: Whether anything of a reply has come.
        finish_reason: The server's own word for why it stopped; empty before it did.
    """

    def __init__(self, emit: Emit, *, offered: Collection[str], origin: str, profile: Profile = UNKNOWN) -> None:
        self.begun = False
        self.finish_reason = ""
        self._emit = emit
        self._origin = origin
        self._thought = Thought(emit)
        self._calls = Calls(emit, offered)
        self._tags = Tags(inside=profile.tags == "prefilled") if profile.tags else None
        self._growing = Growing() if profile.cumulative else None
        self._content: list[str] = []
        self._text: list[str] = []
        self._refused = False
        self._extra: dict[str, JsonValue] = {}
        self._usage: Json = {}
        self._model = ""
        self._fell_back = False
        self._choice: JsonValue = None

    def take(self, chunk: Json) -> None:
        """One chunk of a stream, or the whole body of a reply."""
        self._model = string_of(chunk.get("model")) or self._model
        # Counts are sums so far: the last one is right.
        self._usage = usage_in(chunk) or self._usage
        self._fell_back = self._fell_back or _fell_back(chunk)
        choices = chunk.get("choices")
        for choice in map(object_of, choices if isinstance(choices, list) else ()):
            if self._follows(choice.get("index")):
                self._take_choice(choice)

    def _follows(self, index: JsonValue) -> bool:
        """Whether a choice is the one that is read: the first that came; only one was asked for."""
        self._choice = index if self._choice is None else self._choice
        return index is None or index == self._choice

    def _take_choice(self, choice: Json) -> None:
        self.begun = True
        self._usage = usage_in(choice) or self._usage
        message = object_of(choice.get("delta")) or object_of(choice.get("message"))
        if self._growing is not None:
            message = self._growing.fresh(message)
        self._thought.take(message)
        self._take_content(message.get("content"))
        if refusal := string_of(message.get("refusal")):
            self._refused = True
            self._say(refusal)
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            self._calls.take(object_of(call), whole=not choice.get("delta"))
        if function := object_of(message.get("function_call")):
            self._calls.take({"index": 0, "function": dict(function)})
        for name, value in message.items():
            if name not in _KNOWN and name not in _HUSKS and value not in EMPTY:
                self._extra[name] = value
        self.finish_reason = string_of(choice.get("finish_reason")) or self.finish_reason

    def _take_content(self, content: JsonValue) -> None:
        """Text, or parts, of which some are reasoning."""
        self._take_text(string_of(content))
        for part in map(object_of, content if isinstance(content, list) else ()):
            if part.get("type") == PARTS:
                self._thought.take_part(part)
            else:
                self._take_text(string_of(part.get("text")))

    def _take_text(self, text: str) -> None:
        """Text of a content, some of which may be reasoning between tags."""
        if self._tags is None:
            self._say(text)
        elif text:
            self._content.append(text)
            self._say_all(self._tags.feed(text))

    def _say_all(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            if piece.thought:
                self._thought.take_tagged(piece.text)
            else:
                self._say(piece.text)

    def _say(self, text: str) -> None:
        if text:
            self._text.append(text)
            self._emit(TextDelta(text))

    def reply(self, request_id: str | None = None) -> Reply:
        """The reply that the chunks so far make."""
        if self._tags is not None:
            self._say_all(self._tags.end())
            if self._tags.found and self._content:
                # It goes back with its tags, and every space as it was.
                self._thought.keep("content", "".join(self._content))
        text, calls = "".join(self._text), self._calls.finished()
        reason, warnings = self._finished(called=bool(calls))
        if reason == "stop" and not text.strip():
            warnings.append("empty_response")
        if self._fell_back:
            warnings.append("model_fallback")
        return Reply(
            message=Message(
                "assistant", text, self._thought.finished(), calls, extra=packed(self._extra), origin=self._origin
            ),
            usage=usage_of(self._usage),
            finish_reason=reason,
            model=self._model,
            request_id=request_id,
            cost=cost_of(self._usage),
            warnings=(*warnings, *self._calls.warnings),
        )

    def _finished(self, *, called: bool) -> tuple[FinishReason, list[str]]:
        """Why the reply ends, and what is odd about that.  Calls that are there count for more than the word."""
        warnings = [] if self.finish_reason else ["finish_reason_missing"]
        reason = FINISH_REASONS.get(self.finish_reason or "stop", "other")
        if self._refused:
            reason = "content_filter"
        elif called and reason in {"stop", "other"}:
            reason = "tool_calls"
        elif not called and reason == "tool_calls":
            reason = "stop"
            warnings.append("tool_calls_missing")
        return reason, warnings


def _fell_back(chunk: Json) -> bool:
    """Whether the server had another model answer, as Ark's Chat API page describes it."""
    return object_of(object_of(chunk.get("service_status")).get("model_fallback")).get("fallback_triggered") is True
