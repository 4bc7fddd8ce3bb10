"""Spoils real responses for as long as it is told to, and keeps every one of which something wrong comes.

What must hold, and how responses are spoiled, is in tests/hostile.py.  With the package `atheris` installed, the bytes
that choose are grown by what they reach in agentkit; without it they are random.

    python benchmarks/fuzz.py [--seconds 600] [--seed 0] [--engine random|atheris] [--kept DIRECTORY]
    python benchmarks/fuzz.py --replay FILE
"""

import argparse
import asyncio
import hashlib
import importlib.util
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, NoReturn

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

if TYPE_CHECKING:
    from hostile import Fed
    from wire import Outcome

SLOW = 5
"""Seconds after which a response hangs; reading one takes milliseconds, and the longest some hundred."""


class Hangs(Exception):
    """A response keeps the processor busy."""


class Fuzzer:
    """Feeds responses, counts what they come to, and keeps those of which something wrong comes."""

    def __init__(self, kept: Path) -> None:
        self.hostile = importlib.import_module("hostile")
        self.came: Counter[str] = Counter()
        self.found: Counter[str] = Counter()
        self._kept = kept
        self._runner = asyncio.Runner()
        signal.signal(signal.SIGALRM, _hangs)

    def feed(self, data: bytes) -> None:
        """The response that some bytes choose."""
        fed = self.hostile.fed(data)
        try:
            self.came[_word(self.check(fed))] += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            self._keep(fed, error)

    def check(self, fed: "Fed") -> "Outcome":
        """What one response comes to."""
        signal.alarm(SLOW)
        try:
            outcome: Outcome = self._runner.run(self.hostile.check(fed))
        finally:
            signal.alarm(0)
        return outcome

    def _keep(self, fed: "Fed", error: Exception) -> None:
        self._runner.close()
        self._runner = asyncio.Runner()
        where = [f"{Path(frame.filename).name}:{frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
        name = f"{type(error).__name__} in {where[-1]}"
        self.found[name] += 1
        # One of a kind is enough to mend it.
        if self.found[name] == 1:
            self._kept.mkdir(parents=True, exist_ok=True)
            path = self._kept / f"{hashlib.sha256(fed.response).hexdigest()[:12]}.json"
            path.write_text(fed.saved())
            print(f"found: {name}: {error}\n  python benchmarks/fuzz.py --replay {path}", flush=True)


def _word(outcome: "Outcome") -> str:
    return "a reply" if outcome.error is None else outcome.error.category


def _hangs(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Hangs(f"it took longer than {SLOW} s")


def with_random(fuzzer: Fuzzer, seconds: float, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - it guards nothing
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        fuzzer.feed(dice.randbytes(dice.choice((12, 40, 160))))


def with_coverage(atheris: ModuleType, fuzzer: Fuzzer, seconds: float, seed: int) -> NoReturn:
    end = time.monotonic() + seconds

    def feed(data: bytes) -> None:
        if time.monotonic() > end:
            # It would end the process itself, and say nothing of what came.
            code = report(fuzzer)
            sys.stdout.flush()
            os._exit(code)
        fuzzer.feed(data)

    atheris.Setup([sys.argv[0], f"-seed={seed or 1}", "-max_len=200", "-timeout=0", "-verbosity=0"], feed)
    atheris.Fuzz()
    raise AssertionError("it ends the process")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", choices=["random", "atheris"])
    parser.add_argument("--kept", type=Path, default=Path("fuzz-found"))
    parser.add_argument("--replay", type=Path)
    options = parser.parse_args()
    if options.replay is not None:
        fuzzer = Fuzzer(options.kept)
        print(fuzzer.check(fuzzer.hostile.Fed.read(options.replay.read_text())))
        return
    there = importlib.util.find_spec("atheris") is not None
    if (options.engine or ("atheris" if there else "random")) == "random":
        fuzzer = Fuzzer(options.kept)
        with_random(fuzzer, options.seconds, options.seed)
        sys.exit(report(fuzzer))
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["agentkit"]):
        fuzzer = Fuzzer(options.kept)
    with_coverage(atheris, fuzzer, options.seconds, options.seed)


def report(fuzzer: Fuzzer) -> int:
    """Say what came of it; 1 if something wrong did."""
    print(f"{fuzzer.came.total() + fuzzer.found.total()} responses: {dict(fuzzer.came.most_common())}")
    for name, count in fuzzer.found.most_common():
        print(f"wrong, {count} times: {name}")
    return int(bool(fuzzer.found))


if __name__ == "__main__":
    main()
