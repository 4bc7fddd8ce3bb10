"""One run, streamed and not: what is shown over the wire is shown both ways."""

from agentkit import Agent, Chat, Result
from agentkit.testing import ModelServer


async def whole(agent: Agent[object], **more: object) -> Result[object]:
    return await agent.run("go", **more)  # type: ignore[arg-type]


async def streamed(agent: Agent[object], **more: object) -> Result[object]:
    async with agent.stream("go", **more) as run:  # type: ignore[arg-type]
        async for _ in run:
            """Every event passes by."""
    return run.result


def chat(server: ModelServer) -> Chat:
    """A model that is asked once, so that a fault shows itself."""
    return Chat("m", base_url=server.base_url, api_key="-", retry=None)


def told(result: Result[object]) -> list[str]:
    """What the model was told by tools."""
    return [message.text for message in result.messages if message.role == "tool"]
