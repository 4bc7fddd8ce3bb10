"""One function, one question.

AGENTKIT_BASE_URL=... AGENTKIT_API_KEY=... python examples/hello_tool.py
"""

from agentkit import Agent, Chat, tool


@tool(effect="read")
def find_orders(customer: str) -> list[str]:
    """Orders of one customer, the latest first.

    Args:
        customer: Customer number, such as "C-1024".
    """
    return {"C-1024": ["office chair", "desk lamp"]}.get(customer, [])


agent = Agent(Chat("doubao-seed-2.1-pro"), tools=[find_orders])

if __name__ == "__main__":
    result = agent.run_sync("What did C-1024 order last?")
    print(result.output)
    for step in result.steps:
        print(f"step {step.number}: {step.reasoning or '(no reasoning shown)'} [{step.usage.output} tokens]")
