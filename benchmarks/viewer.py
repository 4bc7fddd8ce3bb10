"""How long it takes from a click on a run of 5,000 events until its page can be used, in a real browser.

A run is put on record, `agentkit ui` is started over it, Chromium opens the list, and the run is clicked.  Usable means: its first
steps are on the page and a key moves to the next one.  Then the same for its timeline, for the last step, and for a result of 20 MB.
Needs the [browser] extra and a Chromium, at /usr/bin/chromium or where CHROMIUM says.

    python benchmarks/viewer.py [--events 5000] [--rounds 5]
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from agentkit import Agent, Limits, tool
from agentkit.testing import ScriptedModel, call, reply

EVENTS_OF_A_STEP = 4
REASONING = "I have to look at the next page before I can say anything about it. " * 6
RESULT = "The quick brown fox jumps over the lazy dog. " * 20


@tool(effect="read")
async def page(number: int) -> str:
    """Read a page of the manual.

    Args:
        number: The page.
    """
    return f"{number} {RESULT}"


@tool(effect="read")
async def large() -> str:
    """Read all of it."""
    return "0123456789abcdef" * (20 * 2**16)


async def record(journal: Path, events: int) -> None:
    """Put a long run and a large one on record."""
    steps = events // EVENTS_OF_A_STEP - 1
    said = [reply(reasoning=REASONING, calls=[call("page", number=number)]) for number in range(steps)]
    limits = Limits(steps=None)
    long = Agent(ScriptedModel(*said, "Done."), tools=[page], journal=journal, name="long", limits=limits)
    await long.run("Read the manual.")
    other = Agent(ScriptedModel(call("large"), "Done."), tools=[large], journal=journal, name="large")
    await other.run("Read all at once.")


def clicked(browser: Page, address: str, rounds: int) -> None:
    """Click through it, and print how long each takes."""
    took: dict[str, list[float]] = {}
    browser.goto(address)

    def timed(name: str, began: float) -> None:
        took.setdefault(name, []).append(time.perf_counter() - began)

    for _ in range(rounds):
        expect(browser.locator("a.run").first).to_be_visible()
        began = time.perf_counter()
        browser.get_by_role("link", name="Read the manual").click()
        expect(browser.locator("#step-3")).to_be_visible()
        browser.keyboard.press("j")
        expect(browser.locator("article:focus")).to_have_count(1)
        timed("a run of many events, to the first key", began)
        began = time.perf_counter()
        browser.get_by_role("link", name="Timeline").click()
        expect(browser.locator(".lane").first).to_be_visible()
        timed("its timeline", began)
        browser.go_back()
        expect(browser.locator("#step-3")).to_be_visible()
        began = time.perf_counter()
        browser.evaluate("location.hash = location.hash.split('?')[0] + '?at=1200'")
        expect(browser.locator("#step-1200")).to_be_visible()
        timed("a step far down", began)
        browser.evaluate("location.hash = '#/'")
        expect(browser.locator("a.run").first).to_be_visible()
        began = time.perf_counter()
        browser.get_by_role("link", name="Read all at once").click()
        expect(browser.locator("#step-2")).to_be_visible()
        timed("a run with a result of 20 MB", began)
        began = time.perf_counter()
        browser.get_by_text("the whole result").click()
        browser.get_by_role("button", name="Load more").last.click()
        expect(browser.get_by_text("204,000 of")).to_be_visible()
        timed("200,000 characters more of it", began)
        browser.evaluate("location.hash = '#/'")
    for name, seconds in took.items():
        print(f"{name:40} {seconds[0]:6.2f} s the first time, {statistics.median(seconds):6.2f} s in the middle")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "runs.db"
        asyncio.run(record(journal, given.events))
        environment = os.environ | {"AGENTKIT_JOURNAL": str(journal)}
        words = [sys.executable, "-m", "agentkit", "ui", "--no-open"]
        with (
            subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as server,  # noqa: S603 - itself
            sync_playwright() as play,
        ):
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
            with play.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as browser:
                clicked(browser.new_page(), address, given.rounds)
            server.terminate()


if __name__ == "__main__":
    main()
