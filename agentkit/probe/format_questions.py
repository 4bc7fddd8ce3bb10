"""Whether an answer is held to a form, also when it is asked for in another."""

from pydantic import JsonValue
from pydantic_core import from_json

from agentkit.messages import Message
from agentkit.model import OutputFormat
from agentkit.probe.asking import Asker, Seen, cut, quoted
from agentkit.probe.findings import Finding
from agentkit.probe.reply_questions import PLAIN
from agentkit.probe.tool_questions import WEATHER

PROSE = Message("user", "Write one sentence about rain, in plain prose and not in JSON.")
"""It has the word JSON because there are servers that refuse to answer in it when nobody says so."""

SHADES: list[JsonValue] = ["amber", "teal"]
SHAPE = OutputFormat(
    "sample",
    {
        "type": "object",
        "properties": {"shade": {"type": "string", "enum": SHADES}, "grams": {"type": "integer"}},
        "required": ["shade", "grams"],
        "additionalProperties": False,
    },
)
"""What nobody answers by chance."""


async def json_schema(asker: Asker) -> tuple[Finding, ...]:
    seen = await asker.ask(PROSE, output=SHAPE)
    name, said = "json_schema", f": {quoted(seen.text)}{cut(seen)}"
    value = _read(seen)
    if _fits(value):
        return (Finding(name, "yes", f"enforced, though the prompt asks for prose{said}"),)
    if isinstance(value, dict) and not seen.cut:
        return (Finding(name, "partly", f"an object came that does not fit the schema{said}"),)
    return (_prose(name, seen, said),)


async def json_schema_with_tools(asker: Asker) -> tuple[Finding, ...]:
    name = "json_schema_with_tools"
    for needed in ("json_schema", "tool_call"):
        if asker.found[needed].verdict != "yes":
            return (Finding(name, "unclear", f"not asked, as {needed} is {asker.found[needed].verdict}"),)
    seen = await asker.ask(PLAIN, tools=(WEATHER,), output=SHAPE)
    if seen.reply.message.tool_calls:
        return (Finding(name, "yes", "a tool is called beside a schema for the answer"),)
    if _fits(_read(seen)):
        return (Finding(name, "no", "the schema of the answer keeps the model from calling a tool"),)
    return (Finding(name, "unclear", f"neither a call nor an answer that fits: {quoted(seen.text)}{cut(seen)}"),)


async def json_object(asker: Asker) -> tuple[Finding, ...]:
    seen = await asker.ask(PROSE, extra={"response_format": {"type": "json_object"}})
    name, said = "json_object", f": {quoted(seen.text)}{cut(seen)}"
    if isinstance(_read(seen), dict):
        return (Finding(name, "yes", f"enforced, though the prompt asks for prose{said}"),)
    return (_prose(name, seen, said),)


def _prose(name: str, seen: Seen, said: str) -> Finding:
    if not seen.text.strip():
        return Finding(name, "unclear", f"no text{cut(seen)}")
    return Finding(name, "no", f"ignored{said}")


def _read(seen: Seen) -> JsonValue:
    """The JSON that an answer is, or begins to be where it was cut."""
    try:
        # Half a surrogate pair, which a server can send, is no text to this reader.
        value: JsonValue = from_json(seen.text.encode("utf-8", "replace"), allow_partial=seen.cut)
    except ValueError:
        return None
    return value


def _fits(value: JsonValue) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"shade", "grams"}
        and value["shade"] in SHADES
        and type(value["grams"]) is int
    )
