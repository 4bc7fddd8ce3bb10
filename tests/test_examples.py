"""The examples and the code of the documents run, against a server on this machine."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agentkit.testing import ModelServer, call, reply

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

SCRIPTS = {
    "hello_tool": ([call("find_orders", customer="C-1024"), "An office chair."], "An office chair."),
    "streaming": (
        [reply(reasoning="Count first.", calls=[call("scan_shelves", aisle=3)]), "There are 21 boxes."],
        "= aisle 3 holds 21 boxes",
    ),
    "structured_output": (
        [
            call("read_mail", number=1),
            call("final_answer", topic="delivery", order=-1, due="2026-12-01"),
            call("final_answer", topic="delivery", order=4711, due="2026-12-01"),
        ],
        "delivery for order 4711, due 01 December 2026",
    ),
    "parallel_tools": (
        [
            [call("price_of", item="desk"), call("price_of", item="chair")],
            [call("add_to_cart", item="chair"), call("add_to_cart", item="lamp"), call("check_out")],
            "Chair and lamp are yours.",
        ],
        "step 2: check_out({}) -> paid",
    ),
    "context_and_deps": ([call("order", item="sofa"), call("order", item="lamp"), "Done."], "['lamp for Ada']"),
    "agent_as_tool": (
        [
            call("researcher", task="What does the archive say about lamps?"),
            call("search_archive", words="lamps"),
            "Lamp prices fall.",
            "LAMPS: CHEAP AT LAST",
        ],
        "LAMPS: CHEAP AT LAST",
    ),
    "approval": ([call("refund", order=4711, amount=389), "300 euros were paid back."], "waiting: refund("),
    "crash_and_resume": (
        [call("find_invoice", number=4711), call("pay", number=4711), "Invoice 4711 is paid."],
        "pay -> paid, booked once\nInvoice 4711 is paid.\npayments made: 1",
    ),
    "approval_later": (
        [call("refund", order=4711, amount=389), "389 euros were paid back."],
        'the process that asked has ended\nwaiting: refund({"order": 4711, "amount": 389})\n389 euros were paid back.',
    ),
    "fork": (
        [call("stock", item="lamp"), "No lamps tomorrow.", "Three lamps, tomorrow."],
        "replayed: the same requests\nThree lamps, tomorrow.\na: run ",
    ),
    "trace_to_test": ([call("stock_of", item="lamp"), "There are 21 lamps."], "1 passed"),
    "broken_runs": ([], "250 euros are 1.54 yen."),
    "conversation": (
        [call("temperature", city="Oslo"), "It is -3.5 °C.", call("temperature", city="Lisbon"), "17 °C."],
        "17 °C.",
    ),
}


def run_code(arguments: list[str], *script: object) -> subprocess.CompletedProcess[str]:
    with ModelServer(*script) as server:
        environment = {**os.environ, "AGENTKIT_BASE_URL": server.base_url, "AGENTKIT_API_KEY": "none"}
        return subprocess.run(
            [sys.executable, "-X", "dev", "-W", "error", *arguments],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_does_what_it_says(example):
    """Each example runs to its end, with nothing on standard error but its log."""
    script, expected = SCRIPTS[example.stem]
    done = run_code([str(example)], *script)

    assert 0 == done.returncode, done.stderr
    assert expected in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short(example):
    """An example is read in one go."""
    assert len(example.read_text().splitlines()) < 80


def blocks(document: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL)


DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_code_of_a_document_runs(document, tmp_path):
    """All blocks of a document, one after another, are one program that ends well."""
    program = tmp_path / "program.py"
    program.write_text("\n\n".join(blocks(document)))
    done = run_code([str(program)], *DOCUMENT_SCRIPTS.get(document.name, ()))

    assert 0 == done.returncode, done.stderr


DOCUMENT_SCRIPTS: dict[str, tuple[object, ...]] = {
    "README.md": (call("find_orders", customer="C-1024"), "C-1024 ordered a desk lamp and an office chair."),
}
