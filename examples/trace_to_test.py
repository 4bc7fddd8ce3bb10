"""A run becomes a test: it is kept in a journal, written out as a pytest test, and played without a model.

AGENTKIT_BASE_URL=... AGENTKIT_API_KEY=... python examples/trace_to_test.py
"""

import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from agentkit import Agent, Chat, SqliteJournal, tool
from agentkit.testing import write_test


@tool(effect="read")
def stock_of(item: str) -> int:
    """How many of an item there are.

    Args:
        item: Its name.
    """
    return {"lamp": 21}.get(item, 0)


agent = Agent(Chat("doubao-seed-2.1-pro"), tools=[stock_of], instructions="You know the shelves.")


def main(folder: Path) -> None:
    journal = SqliteJournal(folder / "runs.db")
    result = replace(agent, journal=journal).run_sync("How many lamps are there? My password is hunter2.")
    print(result.output)
    # The same as `agentkit export RUN --test test_lamps.py --agent examples/trace_to_test.py:agent`.
    test = folder / "test_lamps.py"
    write_test(journal.read(result.run_id), test, target=f"{Path(__file__).resolve().as_posix()}:agent")
    journal.close()
    print(test.read_text())
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)]
    played = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    print(played.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(Path(place))
