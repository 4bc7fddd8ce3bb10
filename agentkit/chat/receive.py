"""One response, read as what it is, whatever was asked for and whatever it is said to be."""

import re
from collections.abc import AsyncIterator, Mapping

import httpx
from pydantic import JsonValue, SecretStr

from agentkit.chat.assemble import Assembler
from agentkit.chat.deadline import Deadline
from agentkit.chat.errors import WORDS, error_of, failed_finish, lost, malformed, request_id
from agentkit.chat.reading import object_of, read_json
from agentkit.chat.sse import Framer, ServerSent
from agentkit.errors import Category, ModelError

SECRET = 8
"""Characters of the shortest key that is worth hiding."""

_BLANK = b"\xef\xbb\xbf \t\r\n"
_EVENTS = re.compile(rb"[:deir]")
"""How a stream of events begins: with a comment, or `data`, `event`, `error`, `id` or `retry`."""


class Blame:
    """Makes the errors of one endpoint, none of which holds its key.

    Args:
        endpoint: Host and model, for messages.
        key: What is hidden: there are servers that quote it when they refuse it.
        empty_400: Whether a refusal without a word means that the conversation is too long.
    """

    def __init__(self, endpoint: str, key: SecretStr | None, *, empty_400: bool = False) -> None:
        self.endpoint = endpoint
        self._key = key
        self._wordless: Category | None = "context_length" if empty_400 else None

    def refused(self, body: str, response: httpx.Response) -> ModelError:
        """The server says that it failed."""
        headers = {name: self._hidden(value) for name, value in response.headers.items()}
        return error_of(
            self._hidden(body),
            endpoint=self.endpoint,
            status=response.status_code,
            headers=headers,
            wordless=self._wordless,
        )

    def malformed(self, why: str, body: str, code: str, response: httpx.Response) -> ModelError:
        """What came is no reply."""
        return malformed(
            why,
            self._hidden(body),
            code=code,
            endpoint=self.endpoint,
            status=response.status_code,
            headers=response.headers,
        )

    def _hidden(self, text: str) -> str:
        key = "" if self._key is None else self._key.get_secret_value()
        # What stands in for a key where none is needed, such as `-`, is no secret and may be anywhere.
        return text.replace(key, str(self._key)) if len(key) >= SECRET else text


class Receiver:
    """Takes one response.

    Args:
        response: Opened, and not read yet.
        assembler: What it is put together by.
        deadline: Is told when data comes.
        blame: Makes the errors.

    Attributes:
        pieces: What of the body has not been read.
    """

    def __init__(self, response: httpx.Response, assembler: Assembler, deadline: Deadline, blame: Blame) -> None:
        deadline.reached = True
        self.pieces = response.aiter_bytes()
        self._response = response
        self._assembler = assembler
        self._deadline = deadline
        self._blame = blame

    async def read(self) -> None:
        """Read to the end of the reply.

        Raises:
            ModelError: It is none, or it failed on its way.
        """
        if self._response.status_code != httpx.codes.OK:
            # No data of a reply: the time for its first byte is all there is.
            refusal = b"".join([piece async for piece in self.pieces])
            raise self._blame.refused(refusal.decode("utf-8", "replace"), self._response)
        opening = await _opening(self.pieces)
        if _EVENTS.match(opening.lstrip(_BLANK)):
            await self._stream(opening)
        else:
            self._whole(await self._rest(opening))
        self._deadline.done()
        self._check_finish()

    async def _rest(self, opening: bytes) -> str:
        read = [opening]
        async for piece in self.pieces:
            read.append(piece)
            self._deadline.data()
        return b"".join(read).decode("utf-8", "replace")

    def _whole(self, body: str) -> None:
        """A reply in one piece."""
        if not body.strip("\ufeff \t\r\n"):
            raise self._malformed("the body is empty", body, "empty_stream")
        try:
            value = read_json(body.lstrip("\ufeff"))
        except ValueError:
            raise self._malformed("the body is not JSON", body, "not_json") from None
        if not isinstance(value, dict) or _tells_failure(value):
            raise self._blame.refused(body, self._response)
        choices = value.get("choices")
        first = object_of(next(iter(choices), None)) if isinstance(choices, list) else {}
        if not isinstance(first.get("message") or first.get("delta"), dict):
            raise self._malformed("it has no message", body, "no_message")
        self._assemble(value, body)

    async def _stream(self, opening: bytes) -> None:
        """A reply in pieces; it is whole when its end was said, and only then."""
        framer = Framer()
        piece: bytes | None = opening
        ended = False
        while not ended and piece is not None:
            if events := framer.feed(piece):
                self._deadline.data()
                ended = self.take(events)
            piece = None if ended else await anext(self.pieces, None)
        ended = ended or self.take(framer.end())
        if not self._assembler.begun:
            raise self._malformed("the stream holds nothing", "", "empty_stream")
        if not ended and not self._assembler.finish_reason:
            cut = lost("the stream ended before the reply did", endpoint=self._blame.endpoint)
            cut.code, cut.request_id = "eof_before_finish", request_id(self._response.headers)
            raise cut

    def take(self, events: list[ServerSent]) -> bool:
        """Take some events of a stream; True when they end it.

        Raises:
            ModelError: One of them is a failure, or cannot be read.
        """
        # What a server sends after the mark that ends a stream is not part of the reply.
        return any(self._take(sent) for sent in events)

    def _take(self, sent: ServerSent) -> bool:
        data = sent.data.strip()
        if data in {"[DONE]", ""}:
            return data != ""
        try:
            chunk = read_json(data)
        except ValueError:
            if sent.event == "error":
                raise self._blame.refused(data, self._response) from None
            raise self._malformed("a piece of the stream is not JSON", data, "invalid_json_chunk") from None
        if not isinstance(chunk, dict) or sent.event == "error" or _tells_failure(chunk):
            raise self._blame.refused(data, self._response)
        self._assemble(chunk, data)
        return False

    def _assemble(self, value: Mapping[str, JsonValue], text: str) -> None:
        try:
            self._assembler.take(value)
        except RecursionError:
            raise self._malformed("it is nested too deeply", text, "not_json") from None

    def _check_finish(self) -> None:
        """A server that failed on the way may say so only in its reason to stop."""
        reason = self._assembler.finish_reason
        category = failed_finish(reason)
        if category is not None:
            raise ModelError(
                f"{self._blame.endpoint} {WORDS[category]}: it stopped with {reason!r}",
                category=category,
                retryable=True,
                status=self._response.status_code,
                code=reason,
                request_id=request_id(self._response.headers),
            )

    def _malformed(self, why: str, body: str, code: str) -> ModelError:
        return self._blame.malformed(why, body, code, self._response)


async def _opening(pieces: AsyncIterator[bytes]) -> bytes:
    """The bytes up to the first that say something; servers send blank ones to keep a connection alive."""
    opening = b""
    async for piece in pieces:
        opening += piece
        if opening.lstrip(_BLANK):
            break
    return opening


def _tells_failure(value: Mapping[str, JsonValue]) -> bool:
    """A failure that came with the status of success."""
    if value.get("error") or value.get("type") == "error" or value.get("object") == "error":
        return True
    # Of those who always send a status, 0 is the good one.
    if object_of(value.get("base_resp")).get("status_code"):
        return True
    return "choices" not in value and ("detail" in value or isinstance(value.get("message"), str))
