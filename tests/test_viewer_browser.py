"""The page in a real browser, as a person uses it: with Chromium, by its keys and by its links."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest
from viewing import EVIL, SHOP, agent, apart, journal_in, keep, long_agent, place, served

from agentkit import Agent, Limits
from agentkit.bill import Bill
from agentkit.cli.deeds import Doing
from agentkit.debug import Change, fork
from agentkit.events import (
    ApprovalAsked,
    ApprovalGiven,
    FailedAttempt,
    ModelCalled,
    ModelReplied,
    OutputRejected,
    RunFinished,
    RunResumed,
    RunStarted,
    RunSuspended,
    ToolFinished,
    ToolStarted,
    Unknown,
)
from agentkit.messages import Message, Reasoning, ToolCall, ToolResult, Usage
from agentkit.testing import ScriptedModel, call, reply
from agentkit.viewer.alone import as_html

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}

playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: pip install 'agentkit-core[browser]'"
)
if not Path(CHROMIUM).exists():
    pytest.skip(f"there is no Chromium at {CHROMIUM}: apt install chromium, or set CHROMIUM", allow_module_level=True)

expect = playwright.expect
expect.set_options(timeout=15_000)


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def is_fault(message) -> bool:
    """Whether something in the console is the page's fault: that its server has ended at the end of a test is not."""
    return message.type == "error" and "net::ERR_" not in message.text


@pytest.fixture
def tab(chromium):
    """A page of the browser, on which nothing may go wrong and nothing of anybody's text may run."""
    context = chromium.new_context(viewport=WIDE)
    context.set_default_timeout(15_000)
    one = context.new_page()
    wrong: list[str] = []
    one.on("pageerror", lambda error: wrong.append(str(error)))
    one.on("console", lambda message: wrong.append(message.text) if is_fault(message) else None)
    yield one
    pwned = one.evaluate("window.pwned")
    context.close()

    assert [] == wrong
    assert pwned is None


@pytest.fixture
def journal(tmp_path):
    kept = journal_in(tmp_path)
    yield kept
    kept.close()


@pytest.fixture
def shop(journal):
    return recorded(agent(journal, *SHOP), "Refund my chair.")


@pytest.fixture
def made(journal, shop):
    with served(journal) as one:
        yield one


def recorded(one: Agent, prompt: str) -> str:
    """The id of a run that an agent has made."""
    return apart(lambda: one.run_sync(prompt)).run_id


def to_diff(a: str, b: str) -> str:
    return f"#/diff?{urlencode({'a': a, 'b': b})}"


def focused(tab, selector: str):
    return tab.locator(f"{selector}:focus")


def fits(tab) -> bool:
    """Whether nothing is wider than the window."""
    return tab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_person_finds_the_run_and_reads_it(tab, made, shop):
    """From the list to the run, its reasoning, what was added, a step, a call, and back all the way."""
    tab.goto(made.address)
    expect(tab.locator("[data-run]")).to_have_count(1)
    expect(tab.locator("#live")).to_have_text("Live")
    expect(tab).to_have_title("Runs · agentkit")
    assert "token" not in tab.url

    tab.get_by_role("link", name="Refund my chair").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Refund my chair.")
    expect(tab.locator("#status")).to_have_text("completed")
    expect(tab.locator(".anomalies")).to_contain_text("stock failed, 2 times")
    expect(tab.locator(".tiles")).to_contain_text("3,200 cached")
    expect(tab.locator(".tiles")).to_contain_text("65 reasoning")
    expect(tab.locator(".tiles")).to_contain_text("unpriced")
    expect(tab.locator(".tools")).to_contain_text("not called")

    reasoning = tab.locator("#step-1 .reasoning")
    expect(reasoning.locator(".block")).to_have_count(0)
    reasoning.locator("summary").click()
    expect(reasoning.locator(".block")).to_contain_text("I need the orders first.")
    tab.locator("#step-2").get_by_text("New in the prompt: the reply of step 1 and 2 tool results").click()
    expect(tab.locator("#step-2 .said.tool").first).to_contain_text("Result of find_orders")
    expect(tab.locator("#step-1 [data-tool=stock]")).to_contain_text("there is no item 'chair'")

    tab.get_by_role("link", name="Step 1", exact=True).click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Step 1 of 3")
    expect(tab.locator(".chip.used")).to_have_count(2)
    expect(tab.locator(".facts").first).to_contain_text("valid")
    tab.get_by_role("link", name="find_orders", exact=True).click()
    expect(focused(tab, ".call.chosen")).to_have_count(1)
    assert "/call/" in tab.url

    tab.go_back()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Step 1 of 3")
    tab.go_back()
    expect(tab.locator("#step-3")).to_be_attached()
    tab.go_back()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Runs")


def test_the_request_is_shown_in_every_form(tab, made, shop):
    """As far as it is on record, as curl, as Python; what is sent again is unfolded; and it is copied."""
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.goto(made.address + place(shop, "step", "2"))
    tabs = tab.get_by_role("tab")

    expect(tabs).to_have_text(["As far as it is on record", "curl", "Python"])
    for name, words in (
        ("curl", "curl --request POST"),
        ("Python", "import httpx"),
    ):
        tab.get_by_role("tab", name=name).click()
        expect(tab.get_by_role("tabpanel")).to_contain_text(words)
    expect(tab.locator(".wire")).to_contain_text("the address and the model's own settings were not recorded")
    expect(tab.locator("section.part > h2")).to_have_text(["Prompt", "Reply", "Calls", "On the wire"])
    tab.get_by_text("2 messages that the step before had too").click()
    expect(tab.locator(".older .said")).to_have_text(["InstructionsYou help in a shop.", "UserRefund my chair."])
    tab.get_by_role("tab", name="curl").click()
    tab.get_by_role("tabpanel").hover()
    tab.get_by_role("tabpanel").get_by_role("button", name=re.compile("^Copy")).click()
    expect(tab.get_by_role("tabpanel").get_by_role("button", name="Copied")).to_be_visible()
    assert tab.evaluate("navigator.clipboard.readText()").startswith("curl --request POST")
    tab.get_by_text("The reply as it was read").click()
    expect(tab.get_by_text('"object": "chat.completion"')).to_be_visible()


@pytest.mark.parametrize("behind", ["/1", "/step/x", "/call"])
def test_a_damaged_address_says_what_one_looks_like(tab, journal, made, behind):
    """And the page goes on from there."""
    run_id = recorded(agent(journal, "Done."), "Say it")
    tab.goto(made.address)
    tab.evaluate("address => { location.hash = address }", f"#/run/{run_id}{behind}")

    expect(tab.get_by_text("neither a step nor a call")).to_be_visible()
    expect(tab.get_by_text(f"#/run/{run_id}/step/1")).to_be_visible()
    tab.get_by_role("link", name="All runs").click()
    expect(tab.locator("[data-run]").first).to_be_visible()


def test_runs_are_searched_and_the_address_keeps_it(tab, journal, made):
    """By words, by what is typed as a filter, and by the choices; whoever comes back finds it as it was."""
    recorded(agent(journal, reply("Cut", finish_reason="length"), name="writer"), "Write a report")
    tab.goto(made.address)
    rows = tab.locator("[data-run]")
    expect(rows).to_have_count(2)

    tab.keyboard.press("/")
    tab.keyboard.type("wants money")
    expect(rows).to_have_count(1)
    expect(tab.locator(".summary")).to_have_text("1 of 2 runs")
    assert "text=wants+money" in tab.url
    tab.get_by_role("link", name="Refund my chair").click()
    expect(tab.locator("#step-1")).to_be_visible()
    tab.go_back()
    expect(tab.get_by_label("Search runs")).to_have_value("wants money")
    expect(rows).to_have_count(1)

    tab.get_by_label("Search runs").fill("status:cut ")
    expect(tab.get_by_label("Status")).to_have_value("cut")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("the answer was cut")
    tab.get_by_role("button", name="Clear").click()
    expect(rows).to_have_count(2)
    tab.get_by_label("Agent").select_option("writer")
    expect(rows).to_have_count(1)
    tab.reload()
    expect(rows).to_have_count(1)
    tab.get_by_label("Tool").fill("nothing_like_it")
    expect(tab.get_by_text("No run fits.")).to_be_visible()


def test_everything_is_done_by_keys(tab, journal, made, shop):
    """Selected, opened, unfolded, gone through and left, and the list of keys."""
    recorded(agent(journal, "Hello."), "Good morning")
    tab.goto(made.address)
    expect(tab.locator("[data-run]")).to_have_count(2)

    tab.keyboard.press("?")
    expect(tab.get_by_role("dialog", name="Keys")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("dialog")).to_have_count(0)
    tab.keyboard.press("j")
    tab.keyboard.press("j")
    expect(focused(tab, "a.run")).to_contain_text("Refund my chair")
    tab.keyboard.press("k")
    expect(focused(tab, "a.run")).to_contain_text("Good morning")
    tab.keyboard.press("j")
    tab.keyboard.press("Enter")
    expect(tab.locator("#step-3")).to_be_attached()

    tab.keyboard.press("e")
    expect(focused(tab, "#step-1")).to_have_count(1)
    tab.keyboard.press("e")
    expect(focused(tab, "#step-2")).to_have_count(1)
    tab.keyboard.press("Shift+E")
    expect(focused(tab, "#step-1")).to_have_count(1)
    tab.keyboard.press("n")
    expect(focused(tab, "#step-1 .call").first).to_have_attribute("data-tool", "find_orders")
    tab.keyboard.press("o")
    expect(tab.locator("#step-1 .reasoning")).to_have_attribute("open", "")
    tab.keyboard.press("o")
    expect(tab.locator("#step-1 .reasoning")).not_to_have_attribute("open", "")
    tab.keyboard.press("j")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Step 2 of 3")
    tab.keyboard.press("n")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Step 3 of 3")
    tab.keyboard.press("p")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Step 2 of 3")
    tab.keyboard.press("Escape")
    expect(focused(tab, "#step-2")).to_have_count(1)
    tab.keyboard.press("t")
    expect(tab.locator(".lane").first).to_be_visible()
    tab.keyboard.press("t")
    expect(tab.locator("#step-1")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Runs")


def test_a_place_can_be_handed_on(tab, made, shop):
    """The address of a run, a step and a call opens just that; words in it that mean nothing say so."""
    for address, words in (
        (place(shop), "Refund my chair."),
        (place(shop, "step", "2"), "Step 2 of 3"),
        (place(shop) + "?tab=timeline", "Refund my chair."),
    ):
        tab.goto(made.address + address)
        expect(tab.get_by_role("heading", level=1)).to_have_text(words)
        tab.goto("about:blank")
    tab.goto(made.address + place(shop) + "?at=3")
    expect(focused(tab, "#step-3")).to_have_count(1)


def test_a_place_that_is_none_says_so(chromium, made, shop):
    """A run that there is not, a step that it has not, and an address that nobody made."""
    tab = chromium.new_page()
    for address, words in (
        (place("nobody"), "there is no run 'nobody'"),
        (place(shop, "step", "77"), "no step 77"),
        (place(shop, "call", "none"), "no call 'none'"),
        ("#/run/%E0%A4%A", "there is no run"),
        ("#/diff?a=1", "lacks"),
    ):
        tab.goto(made.address + address)
        expect(tab.get_by_text(words)).to_be_visible()
        tab.goto("about:blank")
    tab.close()


def test_the_timeline_shows_what_happened_when(tab, made, shop):
    """A lane for each request and each call, with marks; a bar leads to what it stands for."""
    tab.goto(made.address + place(shop) + "?tab=timeline")

    expect(tab.locator(".lane")).to_have_count(6)
    expect(tab.locator(".lane.call.bad")).to_have_count(2)
    expect(tab.locator(".legend")).to_contain_text("to the first token")
    tab.locator(".lane.call.bad").first.get_by_role("link", name="stock", exact=True).click()
    expect(tab.locator(".call.chosen")).to_contain_text("there is no item")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Call of stock, in step 1 of 3")


def test_the_timeline_is_gone_through_by_keys(tab, made, shop):
    """From lane to lane, to the next call and to the next problem; Enter opens what is selected."""
    tab.goto(made.address + place(shop) + "?tab=timeline")
    expect(tab.locator(".lane")).to_have_count(6)

    for key, words in (("j", "Step 1"), ("n", "find_orders"), ("j", "stock"), ("k", "find_orders"), ("e", "stock")):
        tab.keyboard.press(key)
        expect(focused(tab, ".lane-name a")).to_have_text(words)
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Call of stock, in step 1 of 3")


def test_bars_are_as_long_as_what_they_stand_for_took(tab, journal):
    """However wide the window is; the clock is marked at round times, and a call that was not run has a mark too."""
    usage = Usage(1, 1)
    events = (
        (0, RunStarted("r", "shop", (Message("user", "Go."),))),
        (1, ModelCalled("m", 1, ("stock",))),
        (
            1,
            ModelReplied(
                Message("assistant", "", None, (ToolCall("c1", "stock", "{"),)), usage, "tool_calls", seconds=1.0
            ),
        ),
        (1, ToolFinished(ToolResult("c1", "stock takes an item", failed=True))),
        (2, ModelCalled("m", 3, ("stock",))),
        (2, ModelReplied(Message("assistant", "Done."), usage, "stop", seconds=2.0)),
        (2, RunFinished("completed", "Done.")),
    )
    apart(lambda: asyncio.run(keep(journal, "r", *events)))
    with served(journal) as made:
        tab.goto(made.address + place("r") + "?tab=timeline")
        expect(tab.locator(".span.model")).to_have_count(2)
        short, long = (one.bounding_box()["width"] for one in tab.locator(".span.model").all())
        mark = tab.locator(".lane.call .span.bad")
        expect(mark).to_have_attribute("aria-label", "stock: not run")
        ticks = tab.locator(".tick").all_text_contents()

        assert abs(long - 2 * short) < 2
        assert mark.bounding_box()["width"] >= 3
    assert ["0", "1.0 s", "2.0 s", "3.0 s"] == ticks[:4]


def test_found_words_are_shown_where_they_stand(tab, made, shop):
    """From the timeline as well: the step is gone to, what holds them is unfolded and marked, and Enter goes to the next."""
    tab.goto(made.address + place(shop) + "?tab=timeline")
    expect(tab.locator(".lane")).to_have_count(6)
    tab.get_by_label("Find in this run").fill("wants money")
    tab.keyboard.press("Enter")
    expect(tab.locator("#step-1.found .reasoning .block")).to_be_visible()
    expect(tab.locator(".find")).to_contain_text("step 1 of 1 that matches")
    assert ["wants money"] == tab.evaluate("() => [...CSS.highlights.get('found')].map(String)")

    tab.get_by_label("Find in this run").fill("no item")
    for number, matches in (("1", "step 1 of 2 that match"), ("2", "step 2 of 2 that match"), ("1", "step 1 of 2")):
        tab.keyboard.press("Enter")
        expect(tab.locator(f"#step-{number}.found")).to_be_visible()
        expect(tab.locator(".find")).to_contain_text(matches)
    expect(tab.get_by_role("heading", level=1)).to_have_text("Refund my chair.")


def test_a_call_that_was_not_run_is_no_call(tab, journal):
    """Its card, its total and its tool say so; a run that lost something does not end in green, and its answer stands on top."""
    cut = reply(calls=[call("find_orders", customer="C-1")], finish_reason="length")
    run_id = recorded(agent(journal, cut, "All is found."), "Find it.")
    with served(journal) as made:
        tab.goto(made.address + place(run_id))
        expect(tab.locator("#step-1 .call .tag.bad")).to_have_text("not run")
        expect(tab.locator(".tiles")).to_contain_text("1 not run")
        expect(tab.locator(".answer")).to_contain_text("All is found.")
        expect(tab.locator(".anomalies")).to_contain_text("the last call was not run, and the run ended as completed")
        expect(tab.locator("[data-mark=RunFinished].warn")).to_have_count(1)
        tab.locator("#step-1").get_by_text("4 tools offered").click()
        expect(tab.locator("#step-1 .chip.bad")).to_have_text("find_orders · not run")
        expect(tab.locator("#step-1 .offer")).to_contain_text("Orders of one customer.")
        tab.locator("#step-1 .call").get_by_text("What the model was told of this tool").click()
        expect(tab.locator("#step-1 .call")).to_contain_text("Customer number.")
        tab.get_by_role("button", name="As a test").click()
        expect(tab.get_by_role("dialog")).to_contain_text("holds the run to what happened")
        expect(tab.get_by_role("dialog")).to_contain_text("async def test_find_it")


def test_a_fork_is_written_from_what_is_there(tab, made, shop):
    """Another step has other calls; what is there now is filled in, and what cannot be is said and not offered."""
    tab.goto(made.address + place(shop))
    tab.get_by_role("button", name="Fork", exact=True).click()
    dialog = tab.get_by_role("dialog", name="Fork this run")
    kind, copy = dialog.get_by_label("What is changed"), dialog.get_by_role("button", name="Copy command")
    expect(kind.locator("option")).to_have_count(5)
    dialog.get_by_label("Step").fill("1")
    kind.select_option("result")
    expect(dialog.get_by_label("The change")).to_have_value('["lamp","chair"]')
    dialog.get_by_label("The change").fill("")
    expect(dialog.get_by_role("status")).to_have_text("The result of a call is empty: write what it is to be.")
    expect(copy).to_be_disabled()
    kind.select_option("prompt")
    expect(dialog.get_by_label("The change")).to_have_value("Refund my chair.")
    kind.select_option("instructions")
    expect(dialog.get_by_label("The change")).to_have_value("You help in a shop.")
    expect(copy).to_be_enabled()
    dialog.get_by_label("Step").fill("77")
    expect(dialog.get_by_role("status")).to_contain_text("There is no step 77 to fork at: it can be 1 to 4.")
    expect(copy).to_be_disabled()


def test_two_runs_stand_side_by_side(tab, journal, made, shop):
    """Picked in the list or from the fork itself; the first difference is marked."""

    async def changed():
        other = agent(journal, "It is there.")
        lost = other.result(shop).steps[1].calls[0].id
        return await fork(other, shop, change=Change(results={lost: "4 chairs"}))

    other = apart(lambda: asyncio.run(changed())).run_id
    tab.goto(made.address)
    expect(tab.locator("[data-run]")).to_have_count(2)
    expect(tab.locator(".branch")).to_have_count(1)
    tab.keyboard.press("j")
    tab.keyboard.press("x")
    tab.keyboard.press("j")
    tab.keyboard.press("x")
    tab.keyboard.press("c")
    expect(tab.locator(".verdict")).to_have_text("The first difference is in step 2.")
    expect(tab.locator(".divergence h2")).to_contain_text("first difference")
    expect(tab.locator(".divergence .come")).to_contain_text("4 chairs")
    tab.keyboard.press("e")
    expect(focused(tab, ".divergence")).to_have_count(1)
    tab.go_back()
    tab.goto(made.address + place(other))
    tab.get_by_role("link", name="Compare with its parent").click()
    expect(tab.locator(".pair.heads")).to_contain_text("another result of")


def test_what_is_typed_counts_when_somebody_is_done_with_it(tab, journal, made):
    """A filter at the end of the search is taken by Enter, and by leaving the field; nothing else has to be typed."""
    recorded(agent(journal, reply("Cut", finish_reason="length"), name="writer"), "Write a report")
    tab.goto(made.address)
    rows, search = tab.locator("[data-run]"), tab.get_by_label("Search runs")
    expect(rows).to_have_count(2)

    search.fill("status:cut")
    tab.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    expect(tab.get_by_label("Status")).to_have_value("cut")
    expect(search).to_have_value("")
    wide = search.bounding_box()["width"]
    tab.get_by_role("button", name="Clear").click()
    expect(rows).to_have_count(2)
    assert wide == search.bounding_box()["width"]
    search.fill("chair tool:stock")
    tab.keyboard.press("Tab")
    expect(rows).to_have_count(1)
    expect(search).to_have_value("chair")
    expect(tab.get_by_label("Tool")).to_have_value("stock")
    assert "text=chair" in tab.url


def test_words_may_stand_in_any_order(tab, journal, made):
    """All of them have to be there; what is in quotes has to be there as it is."""
    recorded(agent(journal, "Nothing."), "My chair, back to me.")
    tab.goto(made.address)
    rows, search = tab.locator("[data-run]"), tab.get_by_label("Search runs")

    for words, count in (("back chair", 2), ("back money chair", 1), ('"chair back"', 0), ('"money back', 1)):
        search.fill(words)
        expect(tab.locator(".summary")).to_have_text(f"{count} of 2 runs")
        expect(rows).to_have_count(count)


def test_a_filter_that_means_nothing_says_so(chromium, made):
    """Under the search, with what is expected; what was found before is not taken for an answer."""
    tab = chromium.new_page()
    wrong: list[str] = []
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.goto(made.address)
    expect(tab.locator("[data-run]")).to_have_count(1)
    for typed, words in (("since:foo", "30m, 2h or 7d"), ("cost:abc", "write a number"), ("odd:perhaps", "odd:yes")):
        tab.get_by_label("Search runs").fill(typed)
        tab.keyboard.press("Enter")
        expect(tab.get_by_role("alert").filter(has_text=words)).to_be_visible()
        expect(tab.locator(".table.stale")).to_have_count(1)
        expect(tab.locator(".summary")).to_have_text("")
        tab.get_by_role("button", name="Clear").click()
        expect(tab.locator(".complaint")).to_be_hidden()
        expect(tab.locator(".summary")).to_have_text("1 run")
    tab.goto("about:blank")
    tab.goto(made.address + "#/?since=foo")
    expect(tab.get_by_role("alert").filter(has_text="30m, 2h or 7d")).to_be_visible()
    tab.close()

    assert [] == wrong


def test_what_is_odd_is_seen_in_the_list(tab, journal, made):
    """A run that went well by its status and not by what happened in it has a badge, and can be asked for."""
    recorded(agent(journal, "Hello."), "Good morning")
    tab.goto(made.address)
    rows = tab.locator("[data-run]")
    expect(rows).to_have_count(2)
    expect(rows.locator(".tag")).to_have_text([re.compile("^[0-9]+ odd: stock failed, 2 times")])

    tab.keyboard.press("e")
    expect(focused(tab, "a.run")).to_contain_text("Refund my chair")
    tab.get_by_label("Oddities").select_option("Odd only")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Refund my chair")
    assert "odd=yes" in tab.url


def test_two_are_picked_and_a_third_is_refused(tab, journal, made):
    """By the mouse and by the keys, which go on after it; whoever comes back finds the same two picked."""
    for prompt in ("One", "Two"):
        recorded(agent(journal, "Hello."), prompt)
    tab.goto(made.address)
    boxes = tab.get_by_label("Pick to compare")
    expect(boxes).to_have_count(3)

    boxes.nth(0).click()
    expect(tab.get_by_role("button", name="Pick another one to compare")).to_be_disabled()
    tab.keyboard.press("j")
    expect(focused(tab, "a.run")).to_contain_text("One")
    tab.keyboard.press("x")
    boxes.nth(2).click()
    expect(tab.get_by_role("alert").filter(has_text="unpick one of them first")).to_be_visible()
    expect(boxes.nth(2)).not_to_be_checked()
    expect(boxes.nth(0)).to_be_checked()
    tab.keyboard.press("c")
    expect(tab.locator(".run-card h2")).to_have_text(["Two", "One"])
    tab.go_back()
    expect(tab.locator(".pick:checked")).to_have_count(2)
    tab.get_by_role("button", name="Unpick").click()
    expect(tab.locator(".pick:checked")).to_have_count(0)
    boxes.nth(1).click()
    tab.keyboard.press("?")
    expect(tab.get_by_role("dialog", name="Keys")).to_be_visible()
    tab.keyboard.press("?")
    expect(tab.get_by_role("dialog")).to_have_count(0)
    tab.keyboard.press("/")
    expect(focused(tab, "#search")).to_have_count(1)


def test_the_time_goes_on(tab, made):
    """How long ago a run began is told anew, with nothing else happening."""
    tab.clock.install()
    tab.goto(made.address)
    expect(tab.locator("[data-run] .c-when")).to_have_text(re.compile("just now|s ago"))
    tab.clock.fast_forward(180_000)
    expect(tab.locator("[data-run] .c-when")).to_have_text("3 min ago")


def test_runs_are_compared_on_a_phone(chromium, journal, made):
    """They can be picked there, when they began is told, and what is empty is not drawn."""
    recorded(agent(journal, "The lamp."), "And the lamp?")
    context = chromium.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    tab = context.new_page()
    tab.goto(made.address)
    expect(tab.locator("[data-run] .c-when")).to_have_count(2)
    expect(tab.locator("[data-run] .c-when").first).to_be_visible()
    for box in tab.get_by_label("Pick to compare").all():
        box.tap()
    tab.get_by_role("button", name="Compare the two").tap()
    expect(tab.locator(".run-card h2")).to_have_text(["And the lamp?", "Refund my chair."])
    expect(tab.locator(".differs").first.get_by_role("heading", level=2)).to_contain_text("Beginning")
    expect(tab.locator(".differs").first.locator(".side-line")).to_have_count(0)
    assert fits(tab)
    context.close()


def test_an_answer_is_compared_once(tab, journal, made):
    """It is the text of a step, the output, and what the step did; it is told as one of them."""
    two = [recorded(agent(journal, answer), "Where is it?") for answer in ("In the hall.", "In the yard.")]
    tab.goto(made.address + to_diff(*two))

    expect(tab.locator(".divergence .gone")).to_contain_text("In the hall.")
    expect(tab.get_by_text("In the hall.")).to_have_count(1)
    expect(tab.get_by_text("In the yard.")).to_have_count(1)
    expect(tab.get_by_text("The end is different")).to_have_count(0)


def test_a_button_that_copies_keeps_its_width(tab, made, shop):
    """What stands beside it does not move when it says that it is done."""
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.goto(made.address + place(shop, "step", "2"))
    copy = tab.locator(".copier").first
    before = copy.bounding_box()["width"]
    copy.click()
    expect(copy).to_have_text("Copied")

    assert before == copy.bounding_box()["width"]


def test_a_fork_and_a_decision_are_commands_where_the_page_reads(tab, journal, made, shop):
    """The command is quoted for a shell, and nothing else is offered."""
    waiting = recorded(agent(journal, call("refund", order=2)), "Refund 2.")
    tab.goto(made.address + place(shop, "step", "2"))
    tab.get_by_role("button", name="Fork from here").click()
    dialog = tab.get_by_role("dialog", name="Fork this run")
    dialog.get_by_label("What is changed").select_option("result")
    dialog.get_by_label("The change").fill("it's there; $(rm -rf /)")

    command = dialog.locator("#fork-command")
    expect(command).to_contain_text(f"agentkit fork {shop} --at 2 --result")
    expect(command).to_contain_text("""it'"'"'s there; $(rm -rf /)'""")
    expect(dialog.get_by_role("button", name="Fork", exact=True)).to_have_count(0)
    tab.keyboard.press("Escape")
    tab.evaluate("address => { location.hash = address }", place(waiting))
    expect(tab.locator(".approval")).to_contain_text(f"agentkit approve {waiting}")
    expect(tab.get_by_role("button", name="Approve")).to_have_count(0)


def test_markup_is_text_wherever_it_stands(tab, journal):
    """In every field that a model, a tool, or a person fills, in every view."""
    script = (
        reply(
            EVIL, reasoning=EVIL, calls=[call("find_orders", customer=EVIL), call(EVIL, EVIL), call("stock", item=EVIL)]
        ),
        EVIL,
    )
    evil = Agent(
        ScriptedModel(*script), tools=agent(journal).tools, journal=journal, name=EVIL, instructions=EVIL, target=EVIL
    )
    first = recorded(evil, EVIL)
    second = recorded(agent(journal, call("refund", order=1), name=EVIL), EVIL)
    with served(journal) as made:
        tab.goto(made.address)
        expect(tab.locator("[data-run]")).to_have_count(2)
        for address in (
            place(first),
            place(first) + "?tab=timeline",
            place(first, "step", "1"),
            place(first, "call", "call_2"),
            place(second),
            f"#/diff?a={first}&b={second}",
            f"#/?text={EVIL}&status={EVIL}",
        ):
            tab.evaluate("address => { location.hash = address }", address)
            expect(tab.locator("main")).not_to_have_attribute("aria-busy", "true")
            tab.keyboard.press("o")
            for summary in tab.locator("details:not([open]) > summary").all():
                summary.click()
            assert 0 == tab.locator("main img, main script, main svg, main iframe").count()


def test_markup_is_text_in_every_field_there_is(tab, journal):
    """Also in those that only a damaged or a foreign record fills so, the id of the run among them."""
    asked = ToolCall("c1", EVIL, EVIL)
    failed = FailedAttempt(1, EVIL, EVIL, 0.5, 0.5, EVIL)
    events = (
        (0, RunStarted(EVIL, EVIL, (Message("system", EVIL), Message("user", EVIL)), target=EVIL)),
        (1, ModelCalled(EVIL, 2, (EVIL,), settings=json.dumps(EVIL), offer=json.dumps([{"name": EVIL}]))),
        (
            1,
            ModelReplied(
                Message("assistant", EVIL, Reasoning(EVIL), (asked, ToolCall("c2", "refund", "{}")), extra=EVIL),
                Usage(1, 1),
                "length",
                model=EVIL,
                request_id=EVIL,
                warnings=(EVIL,),
                attempts=(failed,),
            ),
        ),
        (1, ApprovalAsked("c2", EVIL)),
        (1, RunSuspended("waiting", EVIL)),
        (1, RunResumed(EVIL)),
        (1, ToolStarted("c1", EVIL, EVIL, repair=EVIL, again=True)),
        (1, ToolFinished(ToolResult("c1", EVIL, failed=True, whole=EVIL * 2, trace=EVIL))),
        (1, ApprovalGiven("c2", granted=False, reason=EVIL, arguments=EVIL)),
        (1, ToolFinished(ToolResult("c2", EVIL))),
        (2, ModelCalled(EVIL, 5, ())),
        (2, ModelReplied(Message("assistant", EVIL), Usage(), "stop")),
        (2, OutputRejected(EVIL, "output_invalid")),
        (2, Unknown(EVIL, "{}")),
        (2, RunFinished("output_invalid", EVIL, EVIL)),
    )
    apart(lambda: asyncio.run(keep(journal, EVIL, *events)))
    with served(journal) as made:
        tab.goto(made.address)
        tab.locator("a.run").click()
        for address in (
            place(EVIL),
            place(EVIL) + "?tab=timeline",
            place(EVIL, "step", "1"),
            place(EVIL, "call", "c1"),
            place(EVIL, "step", "2"),
            to_diff(EVIL, EVIL),
        ):
            tab.evaluate("address => { location.hash = address }", address)
            expect(tab.locator("h1, .lane").first).to_be_visible()
            expect(tab.locator("main")).not_to_have_attribute("aria-busy", "true")
            expect(tab.get_by_text("That did not work")).to_have_count(0)
            tab.keyboard.press("o")
            assert 0 == tab.locator("main img, main script, main svg, header img").count()
            assert fits(tab)


def test_no_string_can_become_markup(chromium, made):
    """Not even a fault of the page's own could: the browser refuses it."""
    tab = chromium.new_page()
    tab.goto(made.address)
    refused = "html => { try { document.body.innerHTML = html } catch (error) { return error.name } }"

    assert "TypeError" == tab.evaluate(refused, EVIL)
    tab.close()


def test_a_run_of_another_process_grows_on_the_page(tab, journal, made):
    """It appears in the list, its steps come as they happen, it can be followed and paused, and it ends."""
    child = Path(__file__).with_name("test_viewer.py").read_text().split('CHILD = """')[1].split('"""')[0]
    tab.goto(made.address)
    expect(tab.locator("[data-run]")).to_have_count(1)
    words = [sys.executable, "-c", child, str(journal.path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:

        def go_on() -> None:
            running.stdin.write("go on\n")
            running.stdin.flush()

        expect(tab.locator("[data-run]")).to_have_count(2)
        expect(tab.locator(".status.busy")).to_have_text("running")
        tab.get_by_role("link", name="Wait.").click()
        expect(tab.locator("#step-1")).to_contain_text("no result yet")
        expect(tab.get_by_role("button", name="Pause")).to_be_visible()
        go_on()
        expect(tab.locator("#step-1")).to_contain_text("go on")
        expect(tab.locator("#step-2")).to_be_visible()
        tab.keyboard.press("f")
        expect(tab.get_by_role("button", name="Follow")).to_be_visible()
        go_on()
        expect(tab.locator("#step-3")).to_be_attached()
        go_on()
        running.wait()
    expect(tab.locator("#status")).to_have_text("completed")
    expect(tab.locator("#step-4")).to_contain_text("Done.")


def test_many_steps_stay_quick(tab, journal):
    """A page at a time, further ones as they are scrolled to; any step is reached at once, by find as well."""
    run_id = recorded(long_agent(journal, 400), "Go on.")
    with served(journal) as made:
        tab.goto(made.address + place(run_id))
        expect(tab.locator("#step-5")).to_be_visible()
        assert tab.locator("article.step").count() <= 80
        tab.locator("#step-39").scroll_into_view_if_needed()
        expect(tab.locator("#step-60")).to_be_attached()
        tab.get_by_label("Find in this run").fill("Thought 350.")
        tab.keyboard.press("Enter")
        expect(tab.locator("#step-350.found")).to_be_in_viewport()
        assert "at=350" in tab.url
        tab.goto(made.address + place(run_id) + "?at=399")
        expect(focused(tab, "#step-399")).to_have_count(1)
        assert tab.locator("article.step").count() < 80
        tab.get_by_role("button", name="Earlier steps").click()
        expect(tab.locator("#step-360")).to_be_attached()


def test_a_large_result_is_read_piece_by_piece(tab, journal):
    """The page has its beginning, and more of it when asked."""
    large = agent(journal, call("manual", pages=2_000), "Read.", limits=Limits(result_chars=10_000_000))
    run_id = recorded(large, "Read it.")
    with served(journal) as made:
        tab.goto(made.address + place(run_id))
        result = tab.locator("#step-1 .call")
        expect(result).to_contain_text("4,000 of 1,9")
        assert 20_000 > len(result.text_content())
        result.get_by_role("button", name="Load more").click()
        expect(result).to_contain_text("204,000 of 1,9")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(chromium, journal, made, shop, scheme):
    """Nothing is wider than the window in any view, by day and by night."""
    context = chromium.new_context(viewport=PHONE, color_scheme=scheme, has_touch=True)
    tab = context.new_page()
    tab.goto(made.address)
    expect(tab.locator("[data-run]")).to_have_count(1)
    assert fits(tab)
    for address, seen in (
        (place(shop), "#step-1"),
        (place(shop) + "?tab=timeline", ".lane"),
        (place(shop, "step", "1"), ".wire"),
        (f"#/diff?a={shop}&b={shop}", ".verdict"),
    ):
        tab.evaluate("address => { location.hash = address }", address)
        expect(tab.locator(seen).first).to_be_visible()
        assert fits(tab), address
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    context.close()

    assert ("rgb(18, 18, 22)" if scheme == "dark" else "rgb(251, 251, 252)") == ground


def test_a_page_can_be_heard(tab, made, shop):
    """Everything that can be pressed has a name, there is one heading of the first level, and the landmarks are there."""
    for address in ("#/", place(shop), place(shop, "step", "1")):
        tab.goto(made.address + address)
        expect(tab.get_by_role("heading", level=1)).to_have_count(1)
        expect(tab.get_by_role("main")).to_have_count(1)
        nameless = tab.evaluate(
            "() => [...document.querySelectorAll('a, button, input, select, textarea')].filter((each) => "
            "!(each.getAttribute('aria-label') || each.textContent.trim() || each.title)).map((each) => each.outerHTML)"
        )
        assert [] == nameless
        tab.goto("about:blank")
    tab.goto(made.address)
    expect(tab.get_by_role("table", name="Runs")).to_be_visible()
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("link", name="Refund my chair")).to_be_visible()


def test_a_server_that_has_ended_is_told(chromium, journal, shop):
    """The page says so, and does not pretend to be live."""
    tab = chromium.new_page()
    with served(journal) as made:
        tab.goto(made.address)
        expect(tab.locator("#live")).to_have_text("Live")
    expect(tab.locator("#live")).to_have_text("Not connected")
    tab.get_by_role("link", name="Refund my chair").click()
    expect(tab.get_by_text("The server of this page has ended")).to_be_visible()
    tab.close()


def test_a_person_forks_and_decides_on_the_page(tab, tmp_path, monkeypatch):
    """Where writing is allowed: the fork appears and ends, and the run that waited goes on."""
    target = Path(__file__).with_name("test_viewer.py").read_text().split('TARGET = """')[1].split('"""')[0]
    (tmp_path / "teller.py").write_text(target)
    monkeypatch.setenv("AGENTKIT_JOURNAL", str(tmp_path / "runs.db"))
    begin = "import runpy; runpy.run_path('teller.py')['agent'].run_sync('Refund 7.')"
    subprocess.run([sys.executable, "-c", begin], cwd=tmp_path, check=True)
    monkeypatch.setenv("SKIP", "1")
    journal = journal_in(tmp_path)
    with served(journal, Doing(journal)) as made:
        tab.goto(made.address)
        tab.get_by_role("link", name="Refund 7.").click()
        approval = tab.locator(".approval")
        approval.get_by_label("Arguments to call with").fill('{"order": 8}')
        approval.get_by_role("button", name="Approve").click()
        expect(tab.locator("#status")).to_have_text("completed")
        expect(tab.locator("#step-1")).to_contain_text("refunded 8")
        tab.get_by_role("button", name="Fork", exact=True).click()
        dialog = tab.get_by_role("dialog")
        dialog.get_by_label("Step").fill("1")
        dialog.get_by_label("What is changed").select_option("prompt")
        dialog.get_by_label("The change").fill("Only say it.")
        dialog.get_by_role("button", name="Fork", exact=True).click()
        expect(tab.get_by_role("heading", level=1)).to_have_text("Only say it.")
        expect(tab.locator("#status")).to_have_text("completed")
    journal.close()


def test_an_exported_page_works_from_the_disk(tab, journal, shop, tmp_path):
    """With its keys, its timeline and its steps, on a phone too, and without asking anybody for anything."""
    events = journal.read(shop)
    file = tmp_path / "run.html"
    file.write_text(as_html(events, Bill()), encoding="utf-8")
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(file.as_uri())

    expect(tab.get_by_role("heading", level=1)).to_have_text("Refund my chair.")
    expect(tab.locator(".anomalies")).to_contain_text("stock failed")
    tab.keyboard.press("e")
    expect(focused(tab, "#step-1")).to_have_count(1)
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Step 1 of 3")
    expect(tab.locator(".wire")).to_be_visible()
    tab.keyboard.press("Escape")
    tab.get_by_label("Find in this run").fill("wants money")
    tab.keyboard.press("Enter")
    expect(tab.locator(".find")).to_contain_text("1 of 1")
    tab.get_by_role("link", name="Timeline").click()
    expect(tab.locator(".lane").first).to_be_visible()
    tab.set_viewport_size(PHONE)
    assert fits(tab)
    assert [file.as_uri()] == [url for url in asked if not url.startswith("data:")]


def test_markup_in_an_exported_page_is_text(tab, journal, tmp_path):
    """The file is as safe as the page, whoever opens it."""
    script = (reply(EVIL, reasoning=EVIL, calls=[call(EVIL, EVIL), call("stock", item=EVIL)]), EVIL)
    run_id = recorded(agent(journal, *script, name=EVIL), f"</script>{EVIL}")
    file = tmp_path / "run.html"
    file.write_text(as_html(journal.read(run_id), Bill()), encoding="utf-8")
    tab.goto(file.as_uri())
    expect(tab.locator("#step-1")).to_be_visible()
    tab.keyboard.press("o")

    assert 0 == tab.locator("main img, main script, main svg").count()
