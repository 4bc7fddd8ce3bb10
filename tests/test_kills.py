"""Runs whose process is killed again and again, and what their journal is worth then.

`benchmarks/kills.py` does the same with hundreds of runs and kills.
"""

import pytest
from killing import Siege


@pytest.mark.parametrize(
    ("durability", "in_doubt", "runs", "kills"), [("full", "tell", 14, 16), ("os", "tell", 8, 8), ("os", "again", 8, 8)]
)
def test_a_killed_process_loses_nothing_and_repeats_nothing_on_record(tmp_path, durability, in_doubt, runs, kills):
    """Runs of mixed tools, nested ones included, end as undisturbed ones do, but for the calls that nobody knows of.

    No reply that is on record is asked for again, and no result earned again; what must not happen twice is not started
    twice, and the model is told; what was read once is never changed; the keys of a call stay, and are no other call's.
    """
    more = {"seed": f"{durability} {in_doubt}", "durability": durability, "in_doubt": in_doubt}
    report = Siege(tmp_path, runs=runs, kills=kills, **more).hold()

    assert [] == report.violations
    assert report.kills >= kills
    assert report.runs >= runs
    assert min(report.nested, report.doubts, report.started_again) > 0
    assert (report.told > 0) == (in_doubt == "tell")
