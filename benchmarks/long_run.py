"""What a step costs at the beginning and at the end of a long run, beside the bytes that must be sent.

A run of 200 steps with results of 2 KB is driven against a server in a process of its own.  For each step the CPU time
of this process is taken, and beside it that of sending a body of the same size with a bare httpx client, which is what
no runtime can save.  The ratio of the rest, at step 200 and at step 10, is the answer.

    python benchmarks/long_run.py [--steps 200] [--rounds 5]
"""

import argparse
import asyncio
import multiprocessing
import statistics
import time
from multiprocessing.connection import Connection

import httpx

from agentkit import Agent, Chat, Limits, ModelCalled, Recorded, ToolFinished, tool
from agentkit.testing import ModelServer, call

BLOB = "The quick brown fox jumps over the lazy dog. " * 46


@tool(effect="read")
async def page(number: int) -> str:
    """Read a page of the manual.

    Args:
        number: The page.
    """
    return f"{number} {BLOB}"


def serve(steps: int, runs: int, told: Connection) -> None:
    script = [*(call("page", number=number) for number in range(steps)), "done"] * runs
    with ModelServer(*script, strict=False) as server:
        told.send(server.base_url)
        told.recv()


async def run_once(base_url: str, steps: int) -> tuple[list[float], list[int]]:
    """CPU seconds of each step, and the size of its request."""
    marks: list[float] = []

    def mark(recorded: Recorded) -> None:
        if isinstance(recorded.event, ModelCalled):
            marks.append(time.process_time())

    chat = Chat("bench", base_url=base_url)
    agent = Agent(chat, tools=[page], limits=Limits(steps=None), observers=[mark])
    result = await agent.run("Read the manual.")
    assert result.status == "completed", result.detail
    assert sum(isinstance(recorded.event, ToolFinished) for recorded in result.events) == steps
    sizes = [600 + (number - 1) * (len(BLOB) + 250) for number in range(1, steps + 1)]
    return [after - before for before, after in zip(marks, marks[1:], strict=False)], sizes


async def send_only(base_url: str, sizes: list[int]) -> list[float]:
    """CPU seconds of a bare httpx client for bodies of these sizes; the answer is a small error."""
    spent = []
    address = base_url + "/nothing"
    async with httpx.AsyncClient() as client:
        for size in sizes:
            body = b"x" * size
            before = time.process_time()
            await client.post(address, content=body)
            spent.append(time.process_time() - before)
    return spent


def around(values: list[list[float]], step: int) -> float:
    """Median milliseconds near a step, over the rounds."""
    return 1000 * statistics.median(value for each in values for value in each[max(1, step - 6) : step + 4])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    mine, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(options.steps, options.rounds, theirs))
    server.start()
    base_url = mine.recv()
    whole, bare = [], []
    for _ in range(options.rounds):
        spent, sizes = asyncio.run(run_once(base_url, options.steps))
        whole.append(spent)
        bare.append(asyncio.run(send_only(base_url, sizes)))
    mine.send("end")
    server.join()
    early, late = 10, options.steps
    print(f"CPU per step, ms      step {early:>4}   step {late:>4}   ratio")
    rows = (("the whole step", whole), ("bare httpx, same bytes", bare))
    for name, values in rows:
        print(f"{name:<22} {around(values, early):>8.2f}   {around(values, late - 5):>9.2f}   {around(values, late - 5) / around(values, early):>5.2f}")
    own = [around(whole, step) - around(bare, step) for step in (early, late - 5)]
    print(f"{'beyond the bytes':<22} {own[0]:>8.2f}   {own[1]:>9.2f}   {own[1] / own[0]:>5.2f}")


if __name__ == "__main__":
    main()
