"""What is out of the ordinary about the replies of a run."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from agentkit.debug.anomaly import Anomaly, Kind, Severity, gathered, in_steps, lines_of
from agentkit.debug.odd_calls import unusual
from agentkit.debug.outline import Passage
from agentkit.debug.words import lasted
from agentkit.events import ModelReplied
from agentkit.messages import Usage
from agentkit.model import Reply
from agentkit.observers.plain import counted_as
from agentkit.prompt_cache import cache_lost

WARNINGS: Final = {
    "finish_reason_missing": "the server did not say why the reply ended",
    "tool_calls_missing": "the reply ended for tool calls, and had none",
    "tool_call_without_name": "a call without a name was passed over",
    "tool_name_normalised": "the name of a tool was written in another way",
    "tool_call_id_missing": "a call came without an id",
    "tool_call_id_duplicate": "a call came with the id of another one",
    "model_fallback": "the server had another model answer",
    "reply_repaired": "the JSON of the reply had to be mended",
}
"""Oddities of a reply, in words."""

NOT_SENT: Final = "not_sent:"
"""Before the name of a setting that the provider does not take."""

ELSEWHERE: Final = frozenset({"cache_lost", "empty_response"})
"""Warnings that are told as anomalies of their own."""

FULL: Final = 0.9
"""The part of a reply's limit from which it was near."""


@dataclass(frozen=True, slots=True)
class _Replied:
    """A step that has a reply."""

    passage: Passage
    replied: ModelReplied

    @property
    def number(self) -> int:
        return self.passage.number

    @property
    def reasons(self) -> bool:
        reasoning = self.replied.message.reasoning
        # Of some models nobody sees the words: there is opaque data, or a count.
        return bool(self.replied.usage.reasoning) or (
            reasoning is not None and bool(reasoning.text or reasoning.opaque)
        )

    @property
    def is_empty(self) -> bool:
        message = self.replied.message
        return not message.tool_calls and not message.text.strip()

    def setting(self, name: str) -> object:
        """What the request set; None where it did not, or where nobody knows."""
        called = self.passage.called
        try:
            given: object = json.loads(called[-1].settings) if called and called[-1].settings else {}
        except (ValueError, RecursionError):
            return None
        return given.get(name) if isinstance(given, dict) else None


def odd_replies(found: Sequence[Passage]) -> Iterator[Anomaly]:
    """The anomalies of all replies, and of requests that had none.

    Args:
        found: The steps, each with all of its events.
    """
    replies = [_Replied(each, each.replied) for each in found if each.replied is not None]
    for passage in found:
        yield from _lost(passage)
    for each in replies:
        yield from _of_reply(each)
        yield from _attempts(each)
    yield from gathered(anomaly for each in replies for anomaly in _warnings(each))
    for before, now in pairwise(replies):
        if _is_cache_lost(before, now):
            yield _cache(before, now)
    yield from _unreasoned(replies)
    times = [each.replied.seconds for each in replies]
    for each in replies:
        if (usual := unusual(each.replied.seconds, times)) is not None:
            said = f"{lasted(each.replied.seconds)}, and {lasted(usual)} as a rule"
            yield _anomaly("slow_reply", "the reply was slow", said, each, "note")


# Requests without a reply, and those that failed.


def _lost(passage: Passage) -> Iterator[Anomaly]:
    lost = len(passage.called) - 1
    if lost > 0:
        said = f"the model was asked {len(passage.called)} times for this step; what was lost may have been billed"
        yield Anomaly("lost_reply", "a reply never came", said, passage.number, None, "warning")


def _attempts(each: _Replied) -> Iterator[Anomaly]:
    failed = each.replied.attempts
    if not failed:
        return
    said = [
        f"attempt {one.number} failed after {lasted(one.after)} ({one.category}): {lines_of(one.detail)}"
        for one in failed
    ]
    title = f"the model was asked again {counted_as(len(failed), 'time')}"
    yield _anomaly("failed_attempts", title, "\n".join(said), each, "note")


# What a reply is.


def _of_reply(each: _Replied) -> Iterator[Anomaly]:
    replied = each.replied
    message, reason = replied.message, replied.finish_reason
    if reason == "length":
        yield _anomaly("cut_reply", "the reply was cut at its length limit", _length(each), each, "error")
    elif reason == "content_filter":
        said = lines_of(message.text)
        yield _anomaly("refused_reply", "the model or its provider refused to answer", said, each, "error")
    elif each.is_empty:
        said = "there was reasoning, and nothing else" if each.reasons else "there was no reasoning either"
        yield _anomaly("empty_reply", "the reply was empty", said, each, "warning")
    elif _is_near_limit(each):
        yield _anomaly("near_limit", "the reply was nearly cut at its length limit", _length(each), each, "note")
    if reason == "other":
        yield _anomaly("odd_reply", "the reply ended for a reason that nobody here knows", "", each, "note")
    rejected = each.passage.rejected
    if rejected is not None and rejected.status != "empty":
        yield _anomaly("rejected_output", "the reply was no answer", lines_of(rejected.problem), each, "warning")


def _length(each: _Replied) -> str:
    """How long a reply is, and what of it."""
    usage, calls = each.replied.usage, len(each.replied.message.tool_calls)
    said = [] if usage.output is None else [f"{usage.output:,} tokens"]
    if usage.reasoning:
        said.append(f"{usage.reasoning:,} of them reasoning")
    said += [f"{name} is {limit:,}" for name, limit in _limits(each)]
    if each.replied.finish_reason == "length" and calls:
        said.append(f"{counted_as(calls, 'call')} of it not made, because arguments may be missing")
    return "; ".join(said)


def _limits(each: _Replied) -> list[tuple[str, int]]:
    """The limits of the reply that the request has set."""
    given = [(name, each.setting(name)) for name in ("max_tokens", "max_completion_tokens")]
    return [(name, limit) for name, limit in given if isinstance(limit, int)]


def _is_near_limit(each: _Replied) -> bool:
    usage = each.replied.usage
    if usage.output is None:
        return False
    # The first limit counts the answer alone.
    lengths = {"max_tokens": usage.output - (usage.reasoning or 0), "max_completion_tokens": usage.output}
    return any(lengths[name] >= FULL * limit for name, limit in _limits(each))


def _warnings(each: _Replied) -> Iterator[Anomaly]:
    for warning in each.replied.warnings:
        if warning in ELSEWHERE:
            continue
        setting = warning.removeprefix(NOT_SENT)
        known = WARNINGS.get(warning, warning)
        title = known if setting == warning else f"{setting} was not sent: the provider does not take it"
        yield _anomaly("odd_reply", title, "", each, "note")


# What shows beside other replies.


def _is_cache_lost(before: _Replied, now: _Replied) -> bool:
    one, other = (Reply(message=each.replied.message, usage=each.replied.usage) for each in (before, now))
    return "cache_lost" in now.replied.warnings or cache_lost(one, other)


def _cache(before: _Replied, now: _Replied) -> Anomaly:
    said = [f"{_cached(before.replied.usage)} were read from the provider's cache, then {_cached(now.replied.usage)}"]
    asked = [each.passage.called[-1] for each in (before, now) if each.passage.called]
    if len({each.tools for each in asked}) > 1:
        said.append("other tools were offered")
    if len({each.model for each in asked}) > 1:
        said.append("another model was asked")
    title = "the beginning of the conversation was not cached any more"
    return _anomaly("cache_collapse", title, "\n".join(said), now, "warning")


def _cached(usage: Usage) -> str:
    return f"{usage.cached or 0:,} of {usage.input or 0:,} tokens"


def _unreasoned(replies: Sequence[_Replied]) -> Iterator[Anomaly]:
    """Replies without reasoning of a model that reasons as a rule."""
    by_origin: dict[str, list[_Replied]] = {}
    for each in replies:
        if each.setting("thinking") != "disabled" and (each.reasons or not each.is_empty):
            by_origin.setdefault(each.replied.message.origin, []).append(each)
    for group in by_origin.values():
        without = [each for each in group if not each.reasons]
        if without and 2 * len(without) < len(group):
            where = in_steps([each.number for each in without])
            said = f"{len(group) - len(without)} of {len(group)} replies of this model came with reasoning; {where} without"
            yield _anomaly("no_reasoning", "the model did not reason", said, without[0], "note")


def _anomaly(kind: Kind, title: str, detail: str, each: _Replied, severity: Severity) -> Anomaly:
    return Anomaly(kind, title, detail, each.number, None, severity)
