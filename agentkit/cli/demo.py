"""`agentkit demo`: a real run without a key and without a network."""

import sys
import tempfile
from pathlib import Path

import click

from agentkit.agent import Agent
from agentkit.chat.chat import Chat
from agentkit.cli.local import demo_local
from agentkit.cli.run import finish, journalled
from agentkit.cli.shop import INSTRUCTIONS, QUESTION, lay_out, script
from agentkit.cli.targets import AnyAgent
from agentkit.model import Model
from agentkit.observers.console import Terminal
from agentkit.testing import ModelServer
from agentkit.watch import Watch
from agentkit_tools import calculate, file_tools, sql_tools

PACE = 0.02
"""Seconds between the pieces of a stream, so that a person can watch it come."""

SCRIPTED = """\
The model's replies in this run are scripted: a small server on this machine plays them, with the same bytes as a
real endpoint. Everything else is real: the HTTP, the stream, the loop, the tools, the database and the files in
{folder}.

The same agent at a real endpoint:

    export AGENTKIT_BASE_URL=https://ark.cn-beijing.volces.com/api/v3 AGENTKIT_API_KEY=...
    agentkit demo --model doubao-seed-2.1-pro
"""


@click.command()
@click.option("--model", metavar="ID", help="Ask a real model instead, at AGENTKIT_BASE_URL or --base-url.")
@click.option("--base-url", metavar="URL", help="The endpoint of that model.")
@click.option("--local", is_flag=True, help="Ask a small real model on this machine; needs the [local] extra.")
def demo(model: str | None, base_url: str | None, *, local: bool) -> None:
    """Watch an agent answer a question about a little shop, with no key and no network."""
    console = Terminal(highlight=False)
    if local:
        sys.exit(demo_local(console))
    with tempfile.TemporaryDirectory(prefix="agentkit-demo-") as folder:
        if model or base_url:
            finish(shop_agent(Path(folder), Chat(model or "", base_url=base_url)), asking)
        with ModelServer(*script(), name="scripted", delay=PACE if console.is_terminal else 0) as server:
            console.print(SCRIPTED.format(folder=folder), style="dim", markup=False, soft_wrap=True)
            agent = shop_agent(Path(folder), Chat("doubao-seed-2.1-pro", base_url=server.base_url, api_key="none"))
            console.print(f"> {QUESTION}", style="bold", markup=False, soft_wrap=True)
            finish(agent, asking)


def asking(agent: AnyAgent) -> Watch[object]:
    return agent.stream(QUESTION)


def shop_agent(folder: Path, model: Model) -> AnyAgent:
    """The back office of the shop in a folder, with the command's journal."""
    tools = [*file_tools(folder), *sql_tools(lay_out(folder)), calculate]
    return journalled(Agent(model, tools=tools, instructions=INSTRUCTIONS, name="back-office"))
