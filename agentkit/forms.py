"""The form in which a model without tools calls them: told in words, enforced by a schema, written and read.

Only a reply that is one whole JSON object can hold calls.  Nothing is picked out of prose and nothing is completed: a
call within a longer text is text, and a reply that breaks off calls nothing.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pydantic import JsonValue

from agentkit.arguments import ArgumentsUnreadable, read_arguments, sendable
from agentkit.errors import SchemaRefused
from agentkit.messages import Message, ToolCall
from agentkit.model import OutputFormat, Reply, Request, ToolSpec
from agentkit.schema.dialects import translate

OPENING = re.compile(r"\s*(?:```(?:json)?\s*)?\{", re.IGNORECASE)
"""How a text begins that is meant to be an object; a fence that names another language is text."""

MOST_CALLS = 8
"""Calls of one reply, where it is held to a schema: a small model in a list goes on with it until it is cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a reply may be."""

    tools: tuple[ToolSpec, ...] = ()
    """The tools that may be called."""
    output: OutputFormat | None = None
    """The form of an answer; None: words."""
    forced: bool = False
    """Whether it must be a call."""
    single: bool = False
    """Whether it may hold one call at most."""
    called: bool = False
    """Whether there are no tools any more, and were before."""


def form_of(request: Request, *, called: bool) -> Form:
    """What a reply to this request may be; `called` says whether tools were called before."""
    settings, tools = request.settings, request.tools
    if settings.tool_choice == "none":
        tools = ()
    elif settings.forced and settings.tool_choice != "required":
        tools = tuple(spec for spec in tools if spec.name == settings.tool_choice)
    single = settings.parallel_tool_calls is False
    return Form(tools=tools, output=request.output, forced=settings.forced, single=single, called=called and not tools)


# As it is told.


def instructions(form: Form) -> str:
    """The tools and the form of a reply in words; empty where there is nothing to say."""
    schema = "" if form.output is None else _dumped(dict(form.output.schema))
    if not form.tools:
        answer = f"Answer with one JSON object that fits this JSON Schema, and nothing else: {schema}" if schema else ""
        return answer or ("Tools can no longer be called. Answer in plain words." if form.called else "")
    told = ["You can call these tools:"]
    told += [f"{tool.name}: {tool.description}\nArguments: {_dumped(dict(tool.parameters))}" for tool in form.tools]
    # A small model copies what it sees.  The example is no JSON, so that a copy of it is not a call.
    example = f'{{"calls": [{{"name": {_dumped(form.tools[0].name)}, "arguments": {{...}}}}]}}'
    many = "Make one call at a time." if form.single else "The list may hold several calls."
    told.append(
        f"Reply with one JSON object and nothing else. To call a tool:\n{example}\n{many} You are then told the results."
    )
    if not form.forced:
        blank = "{...}" if schema else '"..."'
        told.append(f'When you know the answer:\n{{"answer": {blank}}}')
    if not form.forced and schema:
        told.append(f"The answer fits this JSON Schema: {schema}")
    return "\n\n".join(told)


def _dumped(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)


def reply_schema(form: Form) -> dict[str, JsonValue]:
    """JSON Schema of a reply: calls of these tools, or an answer."""
    calls = [
        _object({"name": {"type": "string", "enum": [tool.name]}, "arguments": _enforceable(tool.parameters)})
        for tool in form.tools
    ]
    several: dict[str, JsonValue] = {"type": "array", "items": _any_of(calls), "minItems": 1}
    several["maxItems"] = 1 if form.single else MOST_CALLS
    forms = [_object({"calls": several})]
    if not form.forced:
        answer = {"type": "string"} if form.output is None else _enforceable(form.output.schema)
        forms.append(_object({"answer": answer}))
    return {"type": "object", **_any_of(forms)}


def _object(properties: Mapping[str, Mapping[str, JsonValue]]) -> dict[str, JsonValue]:
    named: dict[str, JsonValue] = {name: dict(schema) for name, schema in properties.items()}
    return {"type": "object", "properties": named, "required": [*named], "additionalProperties": False}


def _any_of(schemas: list[dict[str, JsonValue]]) -> dict[str, JsonValue]:
    return schemas[0] if len(schemas) == 1 else {"anyOf": [*schemas]}


def _enforceable(schema: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The part of a schema that any grammar can enforce and that may stand inside another; the prompt has all of it."""
    try:
        return translate(schema, "common").schema
    except SchemaRefused:
        return {"type": "object"}


# As it is written and read.


def in_words(message: Message) -> Message:
    """A message with its calls as the text that asks for them."""
    if not message.tool_calls:
        return message
    calls = ", ".join(
        f'{{"name": {_dumped(call.name)}, "arguments": {sendable(call.arguments)}}}' for call in message.tool_calls
    )
    answer = f', "answer": {_dumped(message.text)}' if message.text.strip() else ""
    return replace(message, content=f'{{"calls": [{calls}]{answer}}}', tool_calls=())


def read_reply(reply: Reply, form: Form, *, taken: Collection[str], held: bool) -> Reply:
    """A reply with the calls or the answer that its text stands for; a text that is no such object stays as it is.

    Args:
        reply: What the model said.
        form: What it could have said.
        taken: Ids of the calls before.
        held: Whether the server was to hold it to the form.
    """
    text = reply.message.text.strip()
    if reply.finish_reason in {"length", "content_filter"} or reply.message.tool_calls or not OPENING.match(text):
        return reply
    try:
        read = read_arguments(text)
    except ArgumentsUnreadable as error:
        # A fence that was closed, with words after it, is no cut.
        cut = error.kind == "truncated" and not (text.startswith("```") and "\n```" in text)
        return replace(reply, finish_reason="length") if cut or held else reply
    said = _said(read.value)
    if said is None:
        return reply
    answer, asked = said
    calls = tuple(_numbered(asked[:1] if form.single else asked, taken))
    return replace(
        reply,
        message=replace(reply.message, content=answer, tool_calls=calls),
        finish_reason="tool_calls" if calls else reply.finish_reason,
        warnings=reply.warnings if read.repair in {None, "code_fence"} else (*reply.warnings, "reply_repaired"),
    )


def _said(value: Mapping[str, JsonValue]) -> tuple[str, list[tuple[str, str]]] | None:
    """The answer, and the calls as names and arguments; None for an object that is something else."""
    asked, answer = value.get("calls") or [], value.get("answer")
    if not value or value.keys() - {"calls", "answer"} or not isinstance(asked, list):
        return None
    calls = [call for call in map(_call, asked) if call is not None]
    if len(calls) < len(asked):
        return None
    return "" if answer is None else _text(answer), calls


def _call(value: JsonValue) -> tuple[str, str] | None:
    # Arguments that stand elsewhere would be lost, and the tool called without them.
    if not isinstance(value, dict) or value.keys() - {"name", "arguments"}:
        return None
    name = value.get("name")
    return (name, _text(value.get("arguments", {}))) if isinstance(name, str) and name.strip() else None


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else _dumped(value)


def _numbered(calls: Iterable[tuple[str, str]], taken: Collection[str]) -> Iterator[ToolCall]:
    """Calls with ids of their own, which are the same whenever the conversation is."""
    number = len(taken)
    for name, arguments in calls:
        number += 1
        while f"call_{number}" in taken:
            number += 1
        yield ToolCall(f"call_{number}", name, arguments)
