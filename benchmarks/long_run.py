"""What a step costs at the beginning and at the end of a long run, beyond the bytes that must be sent.

A run of 200 steps with results of 2 KB goes through the whole of agentkit and httpx into a transport that takes each
body and answers at once, so that no socket and no other process is measured.  What cannot be saved, joining the bytes of
the conversation into one body, is measured beside it and taken off.  Processor time, medians; compare within one run only.

    python benchmarks/long_run.py [--steps 200] [--rounds 5]
"""

import argparse
import asyncio
import itertools
import statistics
import time

import httpx

from agentkit import Agent, Chat, Limits, ModelCalled, Recorded, tool
from agentkit.testing import call, completion, reply

BLOB = "The quick brown fox jumps over the lazy dog. " * 46
NEAR = 5
"""Steps before and after the one that is looked at, over which the median is taken."""


@tool(effect="read")
async def page(number: int) -> str:
    """Read a page of the manual.

    Args:
        number: The page.
    """
    return f"{number} {BLOB}"


async def run_once(steps: int) -> tuple[list[float], list[float]]:
    """CPU seconds of each step, and of joining its body."""
    marks: list[float] = []
    joining: list[float] = []
    parts: list[bytes] = []
    answers = [completion(reply(calls=[call("page", number=number)])) for number in range(steps)]
    answers.append(completion(reply("done")))
    spent_here = 0.0

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal spent_here
        began = time.process_time()
        parts.append(b"x" * (len(BLOB) + 250))
        before = time.process_time()
        b",".join(parts)
        joining.append(time.process_time() - before)
        spent_here += time.process_time() - began
        return httpx.Response(200, content=answers[len(joining) - 1], headers={"content-type": "application/json"})

    def mark(recorded: Recorded) -> None:
        if isinstance(recorded.event, ModelCalled):
            marks.append(time.process_time() - spent_here)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        chat = Chat("bench", base_url="http://127.0.0.1/v1", client=client)
        agent = Agent(chat, tools=[page], limits=Limits(steps=None), observers=[mark])
        result = await agent.run("Read the manual.")
    assert (result.status, len(result.steps)) == ("completed", steps + 1)
    return [after - before for before, after in itertools.pairwise(marks)], joining


def near(rounds: list[list[float]], step: int) -> float:
    """Median milliseconds of the steps around one."""
    return 1000 * statistics.median(value for each in rounds for value in each[step - NEAR : step + NEAR])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    asyncio.run(run_once(20))
    rounds = [asyncio.run(run_once(options.steps)) for _ in range(options.rounds)]
    early, late = 10, options.steps - NEAR
    steps = [near([spent for spent, _ in rounds], step) for step in (early, late)]
    joins = [near([joined for _, joined in rounds], step) for step in (early, late)]
    beyond = [step - join for step, join in zip(steps, joins, strict=True)]
    print(f"CPU per step, ms        step {early:>4}   step {options.steps:>4}   ratio")
    for name, values in (("the whole step", steps), ("joining the bytes", joins), ("beyond the bytes", beyond)):
        print(f"{name:<22} {values[0]:>10.3f}   {values[1]:>9.3f}   {values[1] / values[0]:>5.2f}")


if __name__ == "__main__":
    main()
