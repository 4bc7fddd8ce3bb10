"""A call that a person must agree to: the run stops before it, and goes on with the decision.

AGENTKIT_BASE_URL=... AGENTKIT_API_KEY=... python examples/approval.py
"""

import asyncio

from agentkit import Agent, Chat, Decision, tool


@tool(approval=lambda arguments: int(str(arguments["amount"])) > 100)
def refund(order: int, amount: int) -> str:
    """Pay money back.

    Args:
        order: Order number.
        amount: How much, in euros.
    """
    return f"{amount} euros paid back for order {order}"


agent = Agent(Chat("doubao-seed-2.1-pro"), tools=[refund])


async def main() -> None:
    result = await agent.run("Refund order 4711, it was 389 euros.")
    for call in result.waiting:
        print(f"waiting: {call.name}({call.arguments})")
    # `True` and `False` will do; a Decision can also change the arguments, or say why not.
    decisions = {call.id: Decision(granted=True, arguments={"order": 4711, "amount": 300}) for call in result.waiting}
    result = await agent.resume(result, decisions=decisions)
    print(result.output)


if __name__ == "__main__":
    asyncio.run(main())
