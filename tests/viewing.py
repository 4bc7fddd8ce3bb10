"""What the tests of the page share: runs on record, and a server over them."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import httpx

from agentkit import Agent, Limits, ToolError, tool
from agentkit.events import Event, Recorded
from agentkit.messages import Usage
from agentkit.sqlite.journal import SqliteJournal
from agentkit.testing import Scripted, ScriptedModel, call, reply
from agentkit.viewer.api import Deeds
from agentkit.viewer.server import Page, page

Made = TypeVar("Made")

EVIL = '"><img src=x onerror="window.pwned=1"><script>window.pwned=1</script><svg/onload=window.pwned=1>'
"""What would be markup anywhere but in a text."""


@tool(effect="read")
def find_orders(customer: str) -> list[str]:
    """Orders of one customer.

    Args:
        customer: Customer number.
    """
    return ["lamp", "chair"]


@tool(effect="read")
def stock(item: str) -> str:
    """Pieces in stock.

    Args:
        item: Its number.
    """
    raise ToolError(f"there is no item {item!r}")


@tool(approval="always")
def refund(order: int) -> str:
    """Pay back.

    Args:
        order: Its number.
    """
    return f"refunded {order}"


@tool(effect="read")
def manual(pages: int) -> str:
    """Read the manual.

    Args:
        pages: How many pages of it.
    """
    return "".join(f"page {number}: {'lorem ipsum ' * 80}\n" for number in range(pages))


TOOLS = (find_orders, stock, refund, manual)


def agent(journal: SqliteJournal, *script: Scripted, name: str = "shop", **more: object) -> Agent:
    """An agent that says what it is told to."""
    made: Agent = Agent(
        ScriptedModel(*script), tools=TOOLS, journal=journal, name=name, instructions="You help in a shop.", **more
    )
    return made


def long_agent(journal: SqliteJournal, steps: int) -> Agent:
    """One that takes many steps."""
    said = [reply(reasoning=f"Thought {n}.", calls=[call("find_orders", customer=f"C-{n}")]) for n in range(1, steps)]
    return agent(journal, *said, "The end.", name="long", limits=Limits(steps=None, repeats=None))


SHOP = (
    reply(
        "Let me look.",
        reasoning="The customer wants money back.\nI need the orders first.",
        calls=[call("find_orders", customer="C-1"), call("stock", item="chair")],
        usage=Usage(1_200, 90, 0, 40),
    ),
    reply(calls=[call("stock", item="chair")], usage=Usage(2_000, 60, 1_200, 20)),
    reply("The chair is order 2.", usage=Usage(2_400, 30, 2_000, 5)),
)


def apart(work: Callable[[], Made]) -> Made:
    """Do something in another thread: that of a test of the browser has an event loop already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def journal_in(folder: Path) -> SqliteJournal:
    return SqliteJournal(folder / "runs.db", durability="os")


@contextmanager
def served(journal: SqliteJournal, deeds: Deeds | None = None) -> Iterator[Page]:
    """The page over a journal, as long as somebody looks."""
    made = page(journal, deeds=deeds)
    thread = threading.Thread(target=made.serve)
    thread.start()
    try:
        yield made
    finally:
        made.stop()
        thread.join()


def base_of(made: Page) -> str:
    return made.address.partition("/?")[0]


@contextmanager
def visited(made: Page) -> Iterator[httpx.Client]:
    """A client that has come in by the printed address."""
    with httpx.Client(base_url=base_of(made), timeout=30) as client:
        entered = client.get(made.address)
        assert 303 == entered.status_code
        yield client


def place(run_id: str, *more: str) -> str:
    """A place on the page."""
    return "#/" + "/".join(quote(part, safe="") for part in ("run", run_id, *more))


def exchange(made: Page, request: Sequence[str]) -> bytes:
    """What the server says to a request that no client would write."""
    host, port = base_of(made).removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall("\r\n".join([*request, "connection: close", "", ""]).encode("latin-1"))
        answer = b""
        while piece := raw.recv(65_536):
            answer += piece
    return answer


async def keep(journal: SqliteJournal, run_id: str, *events: tuple[int, Event]) -> None:
    """Put events on record as they are, in whatever order, each with its step."""
    claim = await journal.claim(run_id, create=True)
    for seq, (step, event) in enumerate(events):
        written = claim.append(Recorded(run_id, seq, 1_764_000_000.0 + seq, step, event))
        if written is not None:
            await written
    await claim.release()
