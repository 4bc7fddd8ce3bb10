"""What a tool returned, as the model is told it: text as it is, anything else as JSON, and long texts by the page."""

import json
from collections.abc import Mapping

import pydantic_core

from agentkit.messages import Content, File, Image, Part, Text
from agentkit.tools import Tool, tool


def content_of(value: object) -> Content:
    """A returned value as message content.

    Raises:
        ValueError: It cannot be written as JSON, because it holds itself.
    """
    if isinstance(value, str):
        # Of an enum of texts, the text.
        return str.__str__(value)
    if isinstance(value, (Text, Image, File)):
        return (value,)
    if isinstance(value, (list, tuple)) and any(isinstance(item, (Image, File)) for item in value):
        return tuple(_part(item) for item in value)
    return _json(value)


def _part(value: object) -> Part:
    return value if isinstance(value, (Text, Image, File)) else Text(value if isinstance(value, str) else _json(value))


def _json(value: object) -> str:
    try:
        return pydantic_core.to_json(value, fallback=str).decode()
    except pydantic_core.PydanticSerializationError:
        # Bytes that are no text: base64 is what a reader of JSON expects then.  Half a surrogate pair has no UTF-8, and
        # is left to whoever sends the message.
        plain = pydantic_core.to_jsonable_python(value, fallback=str, bytes_mode="base64")
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def cut(text: str, limit: int, call_id: str) -> str:
    """The beginning of a text, and how to read on."""
    missing = len(text) - limit
    return (
        f"{text[:limit]}\n[cut: {missing:,} of {len(text):,} characters are missing; "
        f"read_result(call_id={call_id!r}, start={limit}) shows the next ones]"
    )


def reader(whole: Mapping[str, str], page: int) -> Tool[..., object]:
    """The tool that pages through results that were cut.

    Args:
        whole: The whole texts, by call id.
        page: Characters a call shows.
    """

    @tool(effect="read", max_result_chars=page + 200)
    async def read_result(call_id: str, start: int = 0) -> str:
        """Read on in a tool result that was cut.

        Args:
            call_id: The id that the cut result names.
            start: The first character to show, counted from 0.
        """
        if call_id not in whole:
            return f"no result of {call_id!r} was cut; those that were: {', '.join(whole)}"
        text = whole[call_id]
        if not 0 <= start < len(text):
            return f"start must be from 0 to {len(text) - 1}; it was {start}"
        end = start + page
        rest = f"\n[{len(text) - end:,} characters more, from start={end}]" if end < len(text) else "\n[end]"
        return text[start:end] + rest

    return read_result
