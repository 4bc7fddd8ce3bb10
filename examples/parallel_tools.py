"""Calls of one step run at the same time where that is safe, and in order where it may not be.

AGENTKIT_BASE_URL=... AGENTKIT_API_KEY=... python examples/parallel_tools.py
"""

import asyncio

from agentkit import Agent, Chat, tool

PRICES = {"desk": 429, "chair": 389, "lamp": 90}


@tool(effect="read")
async def price_of(item: str) -> int:
    """The price of an item.  Asked for several at once, the shop looks them up at the same time.

    Args:
        item: The item's name.
    """
    await asyncio.sleep(0.05)
    return PRICES[item]


@tool
def add_to_cart(item: str) -> str:
    """Put an item into the cart.  A plain function that writes: one call after another, in the order asked.

    Args:
        item: The item's name.
    """
    return f"{item} is in the cart"


@tool(sequential=True)
def check_out() -> str:
    """Pay for the cart.  Waits for all calls before it, and runs alone."""
    return "paid"


agent = Agent(Chat("doubao-seed-2.1-pro"), tools=[price_of, add_to_cart, check_out])

if __name__ == "__main__":
    result = agent.run_sync("Buy the cheaper of desk and chair, and a lamp.")
    for step in result.steps:
        for call, answer in zip(step.calls, step.results, strict=True):
            print(f"step {step.number}: {call.name}({call.arguments}) -> {answer.content}")
    print(result.output)
