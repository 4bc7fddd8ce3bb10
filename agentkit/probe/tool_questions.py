"""Questions about tools: whether the model is told of them, calls them, and can be made to."""

from pydantic import JsonValue

from agentkit.chat.reading import read_json
from agentkit.errors import ModelError
from agentkit.messages import Message, ToolCall
from agentkit.model import ToolSpec
from agentkit.probe.asking import GREW, Asker, Seen, cut, growth, quoted
from agentkit.probe.findings import Finding
from agentkit.probe.reply_questions import PLAIN

_CITY: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Name of the city."}},
    "required": ["city"],
}
WEATHER = ToolSpec("get_weather", "Current weather in a city.", _CITY)
TIME = ToolSpec("get_time", "Local time in a city.", _CITY)

BOTH = Message("user", "What is the weather in Paris and in Tokyo?")
HELLO = Message("user", "Say hello.")

CALLED = ToolCall("call12345", WEATHER.name, '{"city": "Paris"}')
"""Its id is one that every provider takes."""
RESULT = Message("tool", "21 degrees, sunny", call_id=CALLED.id)


async def tool_call(asker: Asker) -> tuple[Finding, ...]:
    return (_called("tool_call", await asker.ask(PLAIN, tools=(WEATHER,)), asker.plain),)


async def tool_call_stream(asker: Asker) -> tuple[Finding, ...]:
    return (_called("tool_call_stream", await asker.ask(PLAIN, tools=(WEATHER,), stream=True), asker.plain),)


def _called(name: str, seen: Seen, plain: Seen | None) -> Finding:
    calls = seen.reply.message.tool_calls
    if not calls:
        return _not_called(name, seen, plain)
    call = calls[0]
    readable = _is_object(call.arguments)
    facts: dict[str, JsonValue] = {"id": bool(call.id), "arguments": readable, "pieces": seen.pieces}
    wrong = [*([] if call.id else ["no id"]), *([] if readable else ["arguments that are no JSON object"])]
    lacking = f"; there are {' and '.join(wrong)}" if wrong else " and an id"
    said = f"{call.name} was called with {quoted(call.arguments)}{lacking}"
    return Finding(name, "partly" if wrong else "yes", said, facts)


def _not_called(name: str, seen: Seen, plain: Seen | None) -> Finding:
    if seen.cut:
        return Finding(name, "unclear", f"no call{cut(seen)}")
    said, grown = "the model answered instead of calling", growth(seen, plain)
    if grown is None:
        return Finding(name, "unclear", said)
    if grown < GREW:
        return Finding(name, "no", "the tool did not reach the model: the prompt is as long as without it")
    return Finding(name, "unclear", f"{said}; the tool did reach it, as the prompt grew by {grown} tokens")


async def parallel_calls(asker: Asker) -> tuple[Finding, ...]:
    seen = await asker.ask(BOTH, tools=(WEATHER,))
    calls = seen.reply.message.tool_calls
    facts: dict[str, JsonValue] = {"calls": len(calls), "ids": len({call.id for call in calls if call.id})}
    if len(calls) > 1:
        told_apart = facts["ids"] == len(calls)
        said = f"{len(calls)} calls in one reply{'' if told_apart else ', whose ids do not tell them apart'}"
        return (Finding("parallel_calls", "yes" if told_apart else "partly", said, facts),)
    said = "the model made one call, for one of two cities" if calls else f"no call{cut(seen)}"
    return (Finding("parallel_calls", "unclear", said, facts),)


async def required(asker: Asker) -> tuple[Finding, ...]:
    name = "tool_choice_required"
    done = (PLAIN, Message("assistant", tool_calls=(CALLED,), origin=asker.origin), RESULT)
    # A model that calls tools at any word will not do so with the result before it.
    for messages in ((HELLO,), done):
        seen, facts = await _forced(asker, *messages, tools=(WEATHER,), choice="required")
        if not seen.reply.message.tool_calls:
            if not seen.text.strip():
                return (Finding(name, "unclear", f"neither a call nor text{cut(seen)}", facts),)
            return (Finding(name, "no", f"text came instead of a call: {quoted(seen.text)}", facts),)
        if not (await asker.ask(*messages, tools=(WEATHER,))).reply.message.tool_calls:
            return (_forces(name, "a call came where there is none by itself", facts),)
    return (Finding(name, "unclear", "a call came, but this model calls without being told to", facts),)


async def named(asker: Asker) -> tuple[Finding, ...]:
    name = "tool_choice_named"
    seen, facts = await _forced(asker, PLAIN, tools=(WEATHER, TIME), choice=TIME.name)
    names = [call.name for call in seen.reply.message.tool_calls]
    if TIME.name in names:
        return (_forces(name, "the named tool was called, though the question needs the other", facts),)
    if names:
        return (Finding(name, "no", f"{TIME.name} was named and {names[0]} was called", facts),)
    return (
        Finding(name, "no" if seen.text.strip() else "unclear", f"the named tool was not called{cut(seen)}", facts),
    )


async def _forced(
    asker: Asker, *messages: Message, tools: tuple[ToolSpec, ...], choice: str
) -> tuple[Seen, dict[str, JsonValue]]:
    """A reply that has to be a call; a model that thinks may be free to do so only while it does not."""
    try:
        return await asker.ask(*messages, tools=tools, choice=choice), {}
    except ModelError as error:
        if error.category != "invalid_request" or asker.thought is None:
            raise
        refused = error
    try:
        return await asker.ask(*messages, tools=tools, choice=choice, thinking="disabled"), {"thinking": "disabled"}
    except ModelError:
        raise refused from None


def _forces(name: str, said: str, facts: dict[str, JsonValue]) -> Finding:
    thoughtless = "thinking" in facts
    return Finding(
        name, "partly" if thoughtless else "yes", f"{'with thinking disabled only: ' * thoughtless}{said}", facts
    )


async def none(asker: Asker) -> tuple[Finding, ...]:
    name = "tool_choice_none"
    seen = await asker.ask(PLAIN, tools=(WEATHER,), choice="none")
    if seen.reply.message.tool_calls:
        return (Finding(name, "no", f"{WEATHER.name} was called"),)
    if asker.found["tool_call"].verdict not in {"yes", "partly"}:
        return (Finding(name, "unclear", "no call, but the model makes none by itself either"),)
    marked = "; the call stands in the text" if WEATHER.name in seen.text else ""
    return (Finding(name, "yes", f"no call{marked}"),)


def _is_object(text: str) -> bool:
    """Whether a text is a JSON object."""
    try:
        return isinstance(read_json(text), dict)
    except ValueError:
        return False
