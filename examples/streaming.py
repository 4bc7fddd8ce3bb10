"""Watch a run while it happens: reasoning, words, calls and results are one stream of events.

AGENTKIT_BASE_URL=... AGENTKIT_API_KEY=... python examples/streaming.py
"""

import asyncio
from collections.abc import AsyncIterator

from agentkit import (
    Agent,
    Chat,
    ModelRetried,
    ReasoningDelta,
    TextDelta,
    ToolFinished,
    ToolProgressed,
    ToolStarted,
    tool,
)


@tool(effect="read")
async def scan_shelves(aisle: int) -> AsyncIterator[str]:
    """Count what stands on the shelves of an aisle.

    Args:
        aisle: The number over the aisle, from 1.
    """
    yield "left side: 12 boxes"
    yield "right side: 9 boxes"
    yield f"aisle {aisle} holds 21 boxes"  # The last value is the result; those before it are progress.


agent = Agent(Chat("doubao-seed-2.1-pro"), tools=[scan_shelves])


async def main() -> None:
    async with agent.stream("How many boxes are in aisle 3?") as run:
        async for event in run:
            match event:
                case ReasoningDelta(text) | TextDelta(text):
                    print(text, end="", flush=True)
                case ModelRetried(detail=why):
                    print(f"\n[asked again, from the start: {why}]")
                case ToolStarted(tool=name):
                    print(f"\n[{name} started]")
                case ToolProgressed(text=text):
                    print(f"  … {text}")
                case ToolFinished(result):
                    print(f"  = {result.content}")
    print(f"\n{run.result.status}: {run.result.usage}")


if __name__ == "__main__":
    asyncio.run(main())
