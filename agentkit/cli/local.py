"""`agentkit demo --local` and `agentkit local`: a real model on this machine, small as it is."""

import sqlite3
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import click
from rich.console import Console

from agentkit.agent import Agent
from agentkit.chat.chat import Chat
from agentkit.cli.run import Begin, exit_code, journalled, watch
from agentkit.errors import ToolError
from agentkit.testing.local import MODEL, LocalServer
from agentkit.tools import tool

WRONG = 1

ABOUT = f"""\
The model in this run is real: {MODEL}, 135 million parameters on one thread of this machine, behind a llama.cpp server.
That is some thousand times smaller than what you would use. It calls a tool because worked examples of it are put before the
conversation, it does short questions with numbers and codes, and it copies other words badly.
"""

QUESTIONS = (("What is 639 plus 263?", "902"), ("What is the status of order A-55?", "shipped"))
"""With what a right answer must say."""

STATUSES = (("A-17", "paid"), ("A-55", "shipped"), ("B-230", "returned"))


def demo_local(console: Console) -> int:
    """Ask the local model about a little shop; the exit code tells whether all answers were right."""
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="agentkit-demo-") as folder, LocalServer() as server:
        console.print(ABOUT, style="dim", markup=False, soft_wrap=True)
        agent = journalled(clerk(Path(folder), Chat(server.model, base_url=server.base_url)))
        for question, expected in QUESTIONS:
            console.print(f"> {question}", style="bold", markup=False)
            result = watch(agent, _asking(question), console)
            if result.status == "cancelled":
                return exit_code(result)
            right = result.status == "completed" and expected in str(result.output) and len(result.steps[0].calls) == 1
            wrong += not right
            console.print(
                f"{'right' if right else 'wrong'}: {expected}\n", style="green" if right else "red", markup=False
            )
    return WRONG if wrong else 0


def _asking(question: str) -> Begin:
    return lambda agent: agent.stream(question)


def clerk(folder: Path, model: Chat) -> Agent[object]:
    """An agent with a real database and two tools that are easy to tell apart."""
    database = folder / "orders.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("create table orders (id text primary key, status text)")
        connection.executemany("insert into orders values (?, ?)", STATUSES)
        connection.commit()

    @tool(effect="read")
    def add(a: int, b: int) -> int:
        """Add two numbers.

        Args:
            a: One number.
            b: The other number.
        """
        return a + b

    @tool(effect="read")
    def order_status(order_id: str) -> str:
        """Get the status of an order.

        Args:
            order_id: The order's code, such as "A-17".
        """
        with closing(sqlite3.connect(database)) as connection:
            found = connection.execute("select status from orders where id = ?", (order_id,)).fetchone()
        if found is None:
            raise ToolError(f"there is no order {order_id!r}")
        return str(found[0])

    return Agent(model, tools=[add, order_status], name="clerk")


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Where to listen on 127.0.0.1; any free port when left out.",
)
def local(port: int) -> None:
    """Keep the small local model running, for `agentkit run` and programs; Ctrl-C ends it."""
    with LocalServer(port=port) as server:
        click.echo(f"export AGENTKIT_BASE_URL={server.base_url} AGENTKIT_MODEL={server.model}")
        click.echo(f"{MODEL} is listening; Ctrl-C ends it.", err=True)
        sys.stdout.flush()
        threading.Event().wait()
