"""What the model must not see: connections, the user, keys.  They reach a tool in its context.

AGENTKIT_BASE_URL=... AGENTKIT_API_KEY=... python examples/context_and_deps.py
"""

from dataclasses import dataclass, field

from agentkit import Agent, Chat, Context, ToolError, tool


@dataclass
class Shop:
    """What the tools work with; made by the application, handed to the run."""

    user: str
    stock: dict[str, int] = field(default_factory=dict)
    orders: dict[str, str] = field(default_factory=dict)


@tool(effect="idempotent")
def order(item: str, context: Context[Shop]) -> str:
    """Order one piece of an item for the user.

    Args:
        item: The item's name.
        context: Filled in by the run; the model never sees it.
    """
    shop = context.deps
    if item not in shop.stock:
        raise ToolError(f"the shop has no {item!r}; it has {', '.join(shop.stock)}")
    # Called again after a crash, the key is the same, and nothing is ordered twice.
    shop.orders.setdefault(context.key, f"{item} for {shop.user}")
    return f"ordered as {context.key}"


def greeting(context: Context[Shop]) -> str:
    return f"You serve {context.deps.user}. Order what is asked for."


agent = Agent(Chat("doubao-seed-2.1-pro"), tools=[order], instructions=greeting)

if __name__ == "__main__":
    shop = Shop(user="Ada", stock={"lamp": 3})
    result = agent.run_sync("Get me a lamp.", deps=shop)
    print(result.output)
    print(list(shop.orders.values()))
