"""Hundreds of runs whose process is killed hundreds of times: does the journal keep its promises?

A worker drives runs of mixed tools, eight at a time, and is killed at random moments and started again until every run has
ended and enough kills were survived.  What each worker asks and does is held against what was on record when the last one
died; the checks are those of `tests/killing.py`.  A violation is printed, with the seed that leads near it again, and the
exit code is 1.

    python benchmarks/kills.py [--runs 200] [--kills 500] [--durability full|os] [--in-doubt tell|again] [--seed TEXT]
"""

import argparse
import secrets
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from killing import Report, Siege


def show(report: Report, seconds: float) -> None:
    """Print what happened, as a table."""
    lines = report.lines
    rows = (
        ("kills", report.kills, f"{seconds:.0f} s"),
        ("runs that ended as undisturbed ones do", report.runs, f"and {report.nested} nested ones"),
        ("events on record", report.events, ""),
        ("requests to the model", lines["ask"], f"{report.asked_again} of them again, none with a reply on record"),
        ("tool calls started", lines["start"], f"{report.started_again} of them again, none with a result on record"),
        ("calls in doubt at a kill", report.doubts, f"{report.told} told to the model as unknown"),
        ("violations", len(report.violations), ""),
    )
    for name, number, remark in rows:
        print(f"{name:<40} {number:>7}   {remark}".rstrip())
    for violation in report.violations:
        print(violation)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--durability", choices=("full", "os"), default="full")
    parser.add_argument("--in-doubt", choices=("tell", "again"), default="tell")
    parser.add_argument("--seed", default=secrets.token_hex(4))
    options = parser.parse_args()
    more = {"seed": options.seed, "durability": options.durability, "in_doubt": options.in_doubt}
    print(f"durability {options.durability}, in doubt: {options.in_doubt}, seed {options.seed}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="agentkit-kills-") as folder:
        report = Siege(Path(folder), runs=options.runs, kills=options.kills, **more).hold()
    show(report, time.monotonic() - began)
    sys.exit(bool(report.violations))


if __name__ == "__main__":
    main()
