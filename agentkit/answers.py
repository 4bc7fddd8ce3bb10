"""How a model is brought to answer in a type: by a tool that takes the answer, or by words about its schema."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from agentkit.context import Context
from agentkit.errors import DuplicateTool
from agentkit.limits import Limits
from agentkit.messages import ToolResult
from agentkit.model import OutputMode
from agentkit.schema.outputs import OutputRefused, OutputType
from agentkit.schema.signature import ArgumentsRefused, Bound
from agentkit.toolbox import AnyTool, Ready, Toolbox
from agentkit.tools import Options, Tool

ANSWER = "final_answer"
"""What the model calls to answer."""


@dataclass(frozen=True)
class _AnswerSignature:
    """An output type as a tool is described: its arguments are the answer."""

    output: OutputType[object]
    name: str = ANSWER
    description: str = (
        "Give the final answer. Call it once, when nothing is left to find out; it ends the conversation."
    )
    returns: None = None

    @property
    def parameters(self) -> dict[str, JsonValue]:
        return self.output.schema

    def bind(self, arguments: Mapping[str, JsonValue]) -> Bound:
        try:
            self.output.read(json.dumps(arguments))
        except OutputRefused as refused:
            schema = json.dumps(self.output.schema, ensure_ascii=False)
            raise ArgumentsRefused(refused.problem, advice=f"{refused.problem}\nThe schema is: {schema}") from refused
        return Bound((), {})

    def example_text(self) -> str:
        return json.dumps(self.output.example(), ensure_ascii=False)


def answer_tool(output: OutputType[object]) -> Tool[[], object]:
    """The tool that takes the final answer."""

    async def accept() -> str:
        return "accepted"

    return Tool(accept, _AnswerSignature(output), Options(effect="read"))


class AnswerToolbox:
    """A toolbox with the tool that takes the final answer beside its own."""

    def __init__(self, inner: Toolbox, tool: AnyTool) -> None:
        self.tool = tool
        self.inner = inner

    def offer(self, context: Context[object]) -> Mapping[str, AnyTool]:
        offered = self.inner.offer(context)
        if self.tool.name in offered:
            raise DuplicateTool(
                f"a tool is named {self.tool.name!r}, which is how this model gives its answer; "
                f"give the tool another name with @tool(name=...)"
            )
        return {**offered, self.tool.name: self.tool}

    async def call(self, ready: Ready, context: Context[object], limits: Limits) -> ToolResult:
        if ready.tool is self.tool:
            return ToolResult(ready.call.id, "accepted")
        return await self.inner.call(ready, context, limits)


def answer_instructions(instructions: str, output: OutputType[object], mode: OutputMode) -> str:
    """The instructions, with what the model must be told about the form of its answer."""
    told = {
        "json_schema": "",
        "json_schema_alone": "",
        "tool": f"When you have the answer, give it by calling {ANSWER}.",
        "json_object": (
            "Give the final answer as one JSON object and nothing else, valid under this JSON Schema: "
            f"{json.dumps(output.schema, ensure_ascii=False)}"
        ),
    }[mode]
    return "\n\n".join(filter(None, (instructions, told)))
