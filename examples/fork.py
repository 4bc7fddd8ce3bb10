"""What if a tool had said something else?  The same run again from there on, and where the two part.

AGENTKIT_BASE_URL=... AGENTKIT_API_KEY=... python examples/fork.py
"""

import asyncio
import tempfile
from pathlib import Path

from agentkit import Agent, Chat, tool
from agentkit.debug import Change, diff, fork, replay
from agentkit.debug.contrast import as_lines


@tool(effect="read")
def stock(item: str) -> str:
    """Pieces of an item in stock.

    Args:
        item: The item's name.
    """
    return f"{item}: 0 pieces"


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        agent = Agent(Chat("doubao-seed-2.1-pro"), tools=[stock], journal=Path(folder) / "runs.db")
        run = await agent.run("Can I have three lamps tomorrow?")
        print(run.output)

        # Does today's code still ask what was asked then?  No model is asked, and no tool is run.
        played = await replay(agent, run.run_id)
        print("replayed:", "the same requests" if played.same else played.difference)

        # One result is another; what was before it is the parent's, what comes after is lived anew.
        call = run.steps[0].calls[0]
        forked = await fork(agent, run.run_id, change=Change(results={call.id: "lamp: 40 pieces"}))
        print(forked.output)
        for line in as_lines(diff(run.events, forked.events)):
            print(line.text)


if __name__ == "__main__":
    asyncio.run(main())
