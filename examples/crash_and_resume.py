"""A process that is killed with a payment half made, and the run that goes on without making it again.

AGENTKIT_BASE_URL=... AGENTKIT_API_KEY=... python examples/crash_and_resume.py
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from agentkit import Agent, Chat, Context, SqliteJournal, tool

FOLDER = Path(os.environ.get("EXAMPLE_FOLDER") or tempfile.mkdtemp())


@tool(effect="read")
def find_invoice(number: int) -> str:
    """Look an invoice up.

    Args:
        number: Its number.
    """
    return f"invoice {number}: 389 euros, due today"


def was_paid(key: str) -> str | bool:
    """What the bank says of a payment with this key."""
    paid = (FOLDER / "bank.txt").read_text()
    return "paid, booked once" if key in paid else False


@tool(verify=was_paid)
def pay(number: int, context: Context) -> str:
    """Pay an invoice.

    Args:
        number: Its number.
        context: The call, whose key the bank is told.
    """
    with (FOLDER / "bank.txt").open("a") as bank:
        bank.write(f"{number} {context.key}\n")
    if "EXAMPLE_CHILD" in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)  # the power goes, before anybody learns that it was paid
    return "paid"


journal = SqliteJournal(FOLDER / "runs.db")
agent = Agent(Chat("doubao-seed-2.1-pro"), tools=[find_invoice, pay], journal=journal)


def main() -> None:
    if "EXAMPLE_CHILD" in os.environ:
        agent.run_sync("Pay invoice 4711.")
    child = subprocess.run(
        [sys.executable, __file__], env={**os.environ, "EXAMPLE_CHILD": "1", "EXAMPLE_FOLDER": str(FOLDER)}, check=False
    )
    print(f"the process died: {signal.Signals(-child.returncode).name}")
    stopped = journal.runs()[0]
    print(f"on record: {stopped.status} after {stopped.steps} steps")
    result = asyncio.run(agent.resume(stopped.run_id))
    for step in result.steps:
        for call, answer, _ in step.answers:
            print(f"{call.name} -> {answer.content if answer else ''}")
    print(result.output)
    print(f"payments made: {len((FOLDER / 'bank.txt').read_text().splitlines())}")


if __name__ == "__main__":
    main()
