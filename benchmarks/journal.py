"""What it costs to keep runs in a journal: events a second, and processor time beside that of the run itself.

First one run and a hundred at once append calls with results of 2 KB, as fast as they are kept.  Then runs of 200 steps with
such results ask a model server in another process, so that its work is not measured, and keep their events not at all, with
`os`, and with `full`: one after the other within each round, since the machine is not the same from minute to minute.
Processor time of this process, the writer's thread included.  Compare within one run only; the disk decides over `full`.

    python benchmarks/journal.py [--events 2000] [--steps 200] [--rounds 7] [--folder FOLDER]
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from agentkit import (
    Agent,
    Chat,
    Limits,
    Message,
    Recorded,
    RunStarted,
    SqliteJournal,
    ToolFinished,
    ToolResult,
    ToolStarted,
    tool,
)
from agentkit.events import Event
from agentkit.journal import Claim
from agentkit.testing import ModelServer, call

BLOB = "The quick brown fox jumps over the lazy dog. " * 46
AT_ONCE = 100
DURABILITIES: tuple[Literal["os", "full"], ...] = ("os", "full")


# Events a second.


def happenings(events: int) -> Iterator[Event]:
    """Calls that start and finish."""
    for number in range(events // 2):
        call_id = f"call_{number}"
        yield ToolStarted(call_id, "page", f"r:{number}.0")
        yield ToolFinished(ToolResult(call_id, f"{number} {BLOB}"))


async def keep(claim: Claim, run_id: str, events: int) -> None:
    """Append events to a run, each when the one before it is kept."""
    start = RunStarted(run_id, "bench", (Message("user", "Read the manual."),))
    for seq, event in enumerate((start, *happenings(events))):
        kept = claim.append(Recorded(run_id, seq, time.time(), 1, event))
        if kept is not None:
            await kept
    await claim.release()


async def speed(path: Path, durability: Literal["os", "full"], *, runs: int, events: int) -> float:
    """Events a second of several runs at once."""
    journal = SqliteJournal(path, durability=durability)
    claims = {f"r{number}": await journal.claim(f"r{number}", create=True) for number in range(runs)}
    began = time.perf_counter()
    await asyncio.gather(*(keep(claim, run_id, events // runs) for run_id, claim in claims.items()))
    seconds = time.perf_counter() - began
    journal.close()
    return events / seconds


def show_speed(folder: Path, events: int) -> None:
    print(f"events a second{'one run':>20}{f'{AT_ONCE} at once':>16}")
    for durability in DURABILITIES:
        found = [
            asyncio.run(speed(folder / f"speed-{durability}-{runs}.db", durability, runs=runs, events=count))
            for runs, count in ((1, events), (AT_ONCE, max(events, 10 * AT_ONCE)))
        ]
        print(f"{durability:<15}{found[0]:>20,.0f}{found[1]:>16,.0f}")


# Processor time.


@tool(effect="read")
async def page(number: int) -> str:
    """Read a page of the manual.

    Args:
        number: The page.
    """
    return f"{number} {BLOB}"


async def serve(steps: int) -> None:
    """Be the model that asks for page after page, until nobody listens."""

    def answer(body: dict[str, list[dict[str, object]]]) -> object:
        number = sum(message["role"] == "assistant" for message in body["messages"])
        return call("page", number=number) if number < steps else "done"

    async with ModelServer(answer, repeat_last=True) as server:
        print(server.base_url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


@contextmanager
def serving(steps: int) -> Iterator[str]:
    """The address of a model server in another process."""
    command = [sys.executable, __file__, "--serve", "--steps", str(steps)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - our own interpreter and file
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.communicate()


async def spent(url: str, journal: SqliteJournal | None, steps: int) -> float:
    """Microseconds of processor time for each step of a run."""
    agent = Agent(Chat("bench", base_url=url, api_key="-"), tools=[page], limits=Limits(steps=None), journal=journal)
    before = time.process_time()
    result = await agent.run("Read the manual.")
    after = time.process_time()
    assert (result.status, len(result.steps)) == ("completed", steps + 1)
    return 1e6 * (after - before) / steps


def measure(folder: Path, url: str, steps: int, rounds: int) -> dict[str, list[float]]:
    """Microseconds of a step of each run.  A file is made once and not with every run: there is one before the first round."""
    journals: dict[str, SqliteJournal | None] = {"no journal": None}
    journals |= {each: SqliteJournal(folder / f"{each}.db", durability=each) for each in DURABILITIES}
    for journal in journals.values():
        asyncio.run(spent(url, journal, steps))
    found: dict[str, list[float]] = {name: [] for name in journals}
    for number in range(rounds):
        # Whoever comes first in a round is not always the same.
        for name in sorted(found, key=lambda name: (list(found).index(name) + number) % len(found)):
            found[name].append(asyncio.run(spent(url, journals[name], steps)))
    return found


def show_share(found: dict[str, list[float]]) -> None:
    print(f"\nCPU of a step, µs{'minimum':>18}{'median':>16}")
    least, middle = (pick(found["no journal"]) for pick in (min, statistics.median))
    for name, values in found.items():
        low, half = min(values), statistics.median(values)
        print(f"{name:<15}{low:>11.0f} {low / least - 1:>+7.1%}{half:>9.0f} {half / middle - 1:>+7.1%}")
    pairs = {name: [a / b - 1 for a, b in zip(found[name], found["no journal"], strict=True)] for name in DURABILITIES}
    for name, ratios in pairs.items():
        print(f"{name} beside no journal, round by round: " + " ".join(f"{each:+.1%}" for each in ratios))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", help="where the journals are made: the disk that is measured")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.steps))
        return
    with tempfile.TemporaryDirectory(prefix="agentkit-journal-", dir=options.folder) as folder:
        show_speed(Path(folder), options.events)
        with serving(options.steps) as url:
            show_share(measure(Path(folder), url, options.steps, options.rounds))


if __name__ == "__main__":
    main()
