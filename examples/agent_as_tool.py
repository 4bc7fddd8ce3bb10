"""An agent that hands work to another: its own run, within the limits of the run that calls it.

AGENTKIT_BASE_URL=... AGENTKIT_API_KEY=... python examples/agent_as_tool.py
"""

from agentkit import Agent, Chat, Limits, tool

model = Chat("doubao-seed-2.1-pro")


@tool(effect="read")
def search_archive(words: str) -> list[str]:
    """Headlines of the archive that hold some words.

    Args:
        words: What to look for.
    """
    return [f"{words.title()} prices fall again", f"Who still needs {words}?"]


researcher = Agent(
    model,
    name="researcher",
    tools=[search_archive],
    instructions="Search the archive and report what it says, in one sentence.",
)
editor = Agent(
    model,
    name="editor",
    tools=[researcher.as_tool(description="Finds out what the archive says about a topic.")],
    instructions="Write a headline from what the researcher finds.",
    limits=Limits(steps=12, tokens=50_000),
)

if __name__ == "__main__":
    result = editor.run_sync("A headline about lamps, please.")
    print(result.output)
    print(f"{result.usage.total} tokens, the researcher's included")
