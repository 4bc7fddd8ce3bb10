"""Going on where the last answer ended: a result's messages are the next run's history.

AGENTKIT_BASE_URL=... AGENTKIT_API_KEY=... python examples/conversation.py
"""

import asyncio

import agentkit.logs
from agentkit import Agent, Chat, tool


@tool(effect="read")
def temperature(city: str) -> float:
    """The temperature outside, in degrees Celsius.

    Args:
        city: The city's name in English.
    """
    return {"Oslo": -3.5, "Lisbon": 17.0}[city]


agent = Agent(Chat("doubao-seed-2.1-pro"), tools=[temperature], instructions="Answer in one short sentence.")


async def main() -> None:
    agentkit.logs.configure()  # One line for every step, on standard error.
    first = await agent.run("How cold is it in Oslo?")
    print(first.output)
    second = await agent.run("And in Lisbon?", history=first.messages)
    print(second.output)


if __name__ == "__main__":
    asyncio.run(main())
