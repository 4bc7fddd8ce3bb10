"""A call that waits for a person for as long as it takes: the process ends, and another one goes on with the decision.

AGENTKIT_BASE_URL=... AGENTKIT_API_KEY=... python examples/approval_later.py
"""

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

from agentkit import Agent, Chat, ask_user, tool


@tool(approval=lambda arguments: int(str(arguments["amount"])) > 100)
def refund(order: int, amount: int) -> str:
    """Pay money back.

    Args:
        order: Order number.
        amount: How much, in euros.
    """
    return f"{amount} euros paid back for order {order}"


def agent_in(folder: Path) -> Agent:
    """The same agent in every process; `target` lets `agentkit approve RUN` find it."""
    return Agent(
        Chat("doubao-seed-2.1-pro"), tools=[refund, ask_user], journal=folder / "runs.db", target="approval_later.py"
    )


async def ask(folder: Path) -> None:
    result = await agent_in(folder).run("Refund my order, it was 389 euros.")
    print(result.run_id)


async def decide(folder: Path, run_id: str) -> None:
    agent = agent_in(folder)
    result = agent.result(run_id)
    while result.status == "waiting":
        for call in result.waiting:
            print(f"waiting: {call.name}({call.arguments})")
        # At a terminal: agentkit approve RUN [CALL] [--edit ARGS] [--deny WHY] [--answer TEXT]
        decisions = {call.id: True for call in result.waiting}
        result = await agent.resume(run_id, decisions=decisions)
    print(result.output)


def main() -> None:
    if len(sys.argv) > 1:
        asyncio.run(ask(Path(sys.argv[1])))
        return
    with tempfile.TemporaryDirectory() as folder:
        first = subprocess.run([sys.executable, __file__, folder], capture_output=True, text=True, check=True)
        print("the process that asked has ended")
        asyncio.run(decide(Path(folder), first.stdout.strip()))


if __name__ == "__main__":
    main()
