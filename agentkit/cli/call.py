"""`agentkit call`: one tool, called as a model would call it, without a model."""

import asyncio
import sys

import click

from agentkit.cli.targets import find_tools
from agentkit.context import Context
from agentkit.limits import Limits
from agentkit.messages import ToolCall, ToolResult, text_of
from agentkit.toolbox import FunctionToolbox, Ready, check

FAILED = 1


@click.command()
@click.argument("target")
@click.argument("tool")
@click.option("--args", "arguments", default="{}", metavar="JSON", help="The arguments, as a JSON object.")
def call(target: str, tool: str, arguments: str) -> None:
    """Call a TOOL of TARGET and print what a model would be told.

    TARGET is file.py or module, or an agent in one.
    """
    tools = find_tools(target)
    result = asyncio.run(_call(FunctionToolbox(tools), ToolCall("call", tool, arguments)))
    click.echo(text_of(result.content), err=result.failed)
    if result.trace:
        click.echo(result.trace, err=True)
    sys.exit(FAILED if result.failed else 0)


async def _call(toolbox: FunctionToolbox, asked: ToolCall) -> ToolResult:
    context: Context[object] = Context(
        None,
        run_id="agentkit-call",
        call_id=asked.id,
        key="agentkit-call",
        report=lambda text: click.echo(text, err=True),
    )
    ready = check(toolbox.offer(context), asked)
    return await toolbox.call(ready, context, Limits()) if isinstance(ready, Ready) else ready
