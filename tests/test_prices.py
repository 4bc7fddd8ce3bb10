"""What a run cost: by what is on record, by the lists of prices, and in each currency."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit import (
    Agent,
    Message,
    ModelReplied,
    Price,
    Recorded,
    ToolCall,
    ToolFinished,
    ToolResult,
    Usage,
    UsageError,
)
from agentkit.bill import Bill, Charge, bill, whole_bill
from agentkit.debug.facts import as_json
from agentkit.debug.story import story
from agentkit.events import RunForked, RunStarted, ToolStarted
from agentkit.journal import MemoryJournal
from agentkit.limits import Spent
from agentkit.listing import Listed, row_of
from agentkit.observers.plain import cost_text
from agentkit.prices import Cost, Prices, Row, Tier, added, known_prices, price_list
from agentkit.testing import ScriptedModel, call, reply

NOW = datetime(2026, 11, 25, tzinfo=UTC).timestamp()
ARK = "ark.cn-beijing.volces.com"

YEN = Row(models=("a-model",), hosts=("a.example",), currency="JPY", tiers=(Tier(input=100, output=1_000),))
EURO = Row(models=("b-model",), hosts=("b.example",), currency="EUR", tiers=(Tier(input=1, output=10),))
LISTS = Prices(((YEN, EURO),))
MILLION = Usage(1_000_000, 1_000_000)


def replied(model, host, usage=MILLION, *, step=1, cost=None, calls=(), seq=1, time=NOW):
    message = Message("assistant", "Hello.", origin=f"{host}/{model}", tool_calls=calls)
    return Recorded("run", seq, time, step, ModelReplied(message, usage, "stop", model, cost=cost))


# The lists.


@pytest.mark.parametrize("name", ["doubao-seed-2.1-pro", "doubao-seed-2-1-pro-260628", "Doubao-Seed-2.1-pro"])
def test_a_model_is_found_by_each_of_its_names(name):
    """The family, a dated version, and the name as its provider writes it are one model."""
    cost = known_prices({}).of(name, Usage(10_000, 500, 2_000), when=NOW, host=ARK)

    assert Cost(pytest.approx((8_000 * 6 + 2_000 * 1.2 + 500 * 30) / 1e6), "CNY") == cost


@pytest.mark.parametrize(
    ("tokens", "output", "rates"),
    [
        (32_000, 200, (0.8, 2.0)),
        (32_000, 201, (0.8, 8.0)),
        (32_001, 200, (1.2, 16.0)),
        (128_001, 1, (2.4, 24.0)),
        (256_001, 1, None),
    ],
)
def test_the_size_of_a_request_decides_on_its_tier(tokens, output, rates):
    """Both its input and its output can; beyond the last tier nobody knows."""
    cost = known_prices({}).of("doubao-seed-1.8", Usage(tokens, output), when=NOW, host=ARK)
    expected = rates and Cost(pytest.approx((tokens * rates[0] + output * rates[1]) / 1e6), "CNY")

    assert expected == cost


def test_a_reply_with_reasoning_can_cost_more():
    """Where a provider charges for thinking, it does so for the whole output."""
    listed, asked = known_prices({}), {"when": NOW, "host": "dashscope.aliyuncs.com"}
    short, thought = Usage(0, 1_000_000, reasoning=0), Usage(0, 1_000_000, reasoning=10)

    assert Cost(2.0, "CNY") == listed.of("qwen-plus", short, **asked)
    assert Cost(8.0, "CNY") == listed.of("qwen-plus", thought, **asked)


@pytest.mark.parametrize(
    ("model", "host"),
    [
        ("nobody-knows-this", ""),
        ("doubao-seed-2.1-pro", "127.0.0.1"),
        ("doubao-seed-2.1-pro", "evil-volces.com"),
        ("qwen3-max", ""),
        ("", ARK),
        ("\ud800\x00*", ARK),
        ("gpt-5", "exa mple[:"),
    ],
)
def test_what_nobody_knows_has_no_price(model, host):
    """Another host is another price, and a model that two charge for without one is a guess: None, which is not 0."""
    assert None is known_prices({}).of(model, MILLION, when=NOW, host=host)


@pytest.mark.parametrize(
    "usage",
    [
        Usage(),
        Usage(5),
        Usage(output=5),
        Usage(-1, 5),
        Usage(10**400, 5),
        Usage(5, 5, cached=6),
        Usage(5, 5, cached=-1),
    ],
)
def test_what_was_not_counted_has_no_price(usage):
    """Neither has a count that cannot be one."""
    assert None is known_prices({}).of("doubao-seed-2.1-pro", usage, when=NOW, host=ARK)


@pytest.mark.parametrize(("when", "expected"), [("2026-01-01", 1.0), ("2026-06-01", 2.0), (None, None)])
def test_a_price_holds_from_its_day_on(when, expected):
    """An older run is charged what held then; before the first price, nobody knows."""
    row = Row(models=("m",), currency="EUR", tiers=(Tier(input=1, output=1),), valid_from=date(2026, 1, 1))
    later = replace(row, tiers=(Tier(input=2, output=2),), valid_from=date(2026, 6, 1))
    moment = -1e300 if when is None else datetime.fromisoformat(f"{when}T00:00:00Z").timestamp()

    cost = Prices(((later, row),)).of("m", Usage(1_000_000, 0), when=moment)

    assert (None if expected is None else Cost(expected, "EUR")) == cost


def test_the_shipped_list_says_where_it_is_from():
    """Each row names its source, the day it was seen, and who charges it."""
    (rows,) = known_prices({}).lists

    assert rows
    assert all(row.source.startswith("https://") and row.seen and row.hosts and row.valid_from for row in rows)
    assert {"CNY", "USD"} == {row.currency for row in rows}


def test_prices_of_other_providers_need_no_network():
    """Those of `genai-prices` are in dollars, and inside the package."""
    code = """if True:
        import socket

        def refuse(*_, **__):
            raise AssertionError("somebody opens a socket")

        socket.socket.connect = socket.getaddrinfo = refuse
        from agentkit import Usage
        from agentkit.prices import known_prices

        prices = known_prices({})
        print(prices.of("deepseek-chat", Usage(1000, 100, 200), when=1790000000.0, host="api.deepseek.com").currency)
        print(prices.of("deepseek-chat", Usage(1000, 100, 200), when=1790000000.0, host="127.0.0.1"))
    """
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)

    assert ("USD\nNone\n", "") == (done.stdout, done.stderr)


def test_looking_at_own_prices_loads_no_others():
    """`genai-prices` takes its time to load, so it is not before somebody needs it."""
    code = (
        "import sys; from agentkit import Usage; from agentkit.prices import known_prices\n"
        f"print(known_prices({{}}).of('doubao-seed-2.1-pro', Usage(1, 1), when={NOW}, host='{ARK}').currency)\n"
        "print('genai_prices' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "CNY\nFalse\n" == done.stdout


def test_who_is_paid_decides_on_other_prices_too():
    """Of a model that several sell, that of the host which was asked."""
    prices, asked = known_prices({}), Usage(1_000_000, 0)
    own, sold = (
        prices.of(name, asked, when=NOW, host=host)
        for name, host in (("deepseek-chat", "api.deepseek.com"), ("deepseek/deepseek-chat", "openrouter.ai"))
    )

    assert {"USD"} == {own.currency, sold.currency}
    assert min(own.amount, sold.amount) > 0


# The user's own.

OWN = """
[[price]]
models = ["doubao-seed-2.1-pro", "local-*"]
currency = "EUR"
tiers = [{ input = 1, output = 0 }]
"""


def test_own_prices_go_over_all_others(tmp_path):
    """A file that the environment names can correct a price, and add one."""
    (tmp_path / "prices.toml").write_text(OWN)
    prices = known_prices({"AGENTKIT_PRICES": str(tmp_path / "prices.toml")})

    assert Cost(1.0, "EUR") == prices.of("doubao-seed-2.1-pro", MILLION, when=NOW, host=ARK)
    assert Cost(1.0, "EUR") == prices.of("local-7b", MILLION, when=NOW, host="127.0.0.1")
    assert "CNY" == prices.of("qwen-max", MILLION, when=NOW, host="dashscope.aliyuncs.com").currency


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[price", "is no TOML"),
        ("price = 3", "is no list of prices"),
        ("[[prices]]", "has prices, and is to have nothing but [[price]] tables"),
        ('[[price]]\nmodels = ["m"]\ncurrency = "EUR"\ntiers = []', "price.0.tiers"),
        ('[[price]]\nmodels = ["m"]\ntiers = [{input = 1, output = 1}]', "price.0.currency"),
        ('[[price]]\nmodels = ["m"]\ncurrency = "EUR"\ntiers = [{input = -1, output = 1}]', "price.0.tiers.0.input"),
        ('[[price]]\nmodels = ["m"]\ncurrency = "EUR"\ntiers = [{input = nan, output = 1}]', "price.0.tiers.0.input"),
        ('[[price]]\nmodels = ["m"]\ncurrency = "EUR"\ntiers = [{input = 1, ouput = 1}]', "price.0.tiers.0"),
    ],
)
def test_a_broken_list_is_refused_with_its_place(text, says):
    """The message names the list, and what in it is wrong."""
    with pytest.raises(UsageError, match=r"^own.toml ") as caught:
        price_list(text, "own.toml")

    assert says in str(caught.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_list_that_cannot_be_read_is_named(tmp_path, content):
    """What is not there, or is no text, is an error of the one who named it."""
    if content is not None:
        (tmp_path / "own.toml").write_bytes(content)

    with pytest.raises(UsageError, match=r"AGENTKIT_PRICES names .*own\.toml.*cannot be read"):
        known_prices({"AGENTKIT_PRICES": str(tmp_path / "own.toml")})


# The bill.


def test_two_currencies_are_two_sums():
    """They are never added together."""
    found = bill([replied("a-model", "a.example"), replied("b-model", "b.example", step=2)], LISTS)

    assert (Cost(1_100.0, "JPY"), Cost(11.0, "EUR")) == found.costs
    assert "cost 1100.00 JPY and 11 EUR" == cost_text(found)


def test_what_is_on_record_stands():
    """The cost that a server told, or the model's own price, is not computed again, nor taken for a listed currency."""
    found = bill([replied("a-model", "a.example", cost=0.5), replied("a-model", "a.example", step=2)], LISTS)

    assert (Charge(1, Cost(0.5), recorded=True), Charge(2, Cost(1_100.0, "JPY"))) == found.charges
    assert "cost 0.5 and 1100.00 JPY" == cost_text(found)


def test_a_free_reply_is_no_unknown_one():
    """0 on record is 0; None is None."""
    found = bill([replied("a-model", "a.example", cost=0.0), replied("c-model", "a.example", step=2)], LISTS)

    assert (Cost(0.0), None) == tuple(charge.cost for charge in found.charges)
    assert (1, "cost at least 0 (1 step unpriced)") == (found.unpriced, cost_text(found))


def test_a_corrected_price_corrects_the_past():
    """A cost is computed when somebody looks: the same events cost what the list says today."""
    events = [replied("a-model", "a.example")]
    corrected = replace(YEN, tiers=(Tier(input=1, output=1),))

    assert ["cost 1100.00 JPY", "cost 2 JPY"] == [
        cost_text(bill(events, Prices(((row,),)))) for row in (YEN, corrected)
    ]


def test_the_name_that_was_asked_for_counts_where_the_server_has_another():
    """A server may call its model by a name that no list has."""
    message = Message("assistant", "Hello.", origin="a.example/a-model")
    recorded = Recorded("run", 1, NOW, 1, ModelReplied(message, MILLION, "stop", "a-model-at-home"))

    assert (Cost(1_100.0, "JPY"),) == bill([recorded], LISTS).costs


def test_a_fork_pays_for_its_own_part():
    """What it shares with its parent is the parent's, and is told by step all the same."""
    forked = Recorded("fork", 2, NOW, 1, RunForked("fork", "run"))
    events = [replied("a-model", "a.example"), forked, replied("b-model", "b.example", step=2, seq=3)]
    found = bill(events, LISTS)

    assert (Cost(11.0, "EUR"),) == found.costs
    assert Charge(1, Cost(1_100.0, "JPY")) == found.of_step(1)


def test_a_nested_run_is_charged_once():
    """By its own bill where there is one, else by the sum on record; one without either is unpriced."""
    calls = tuple(ToolCall(name, "ask", "{}") for name in ("c1", "c2", "c3"))
    spent = (Spent(1, 0, MILLION), Spent(1, 0, MILLION, cost=0.25), Spent(1, 0, MILLION))
    events = [replied("a-model", "a.example", calls=calls)]
    for place, (asked, cost) in enumerate(zip(calls, spent, strict=True)):
        events += [
            Recorded("run", 2 + 2 * place, NOW, 1, ToolStarted(asked.id, "ask", "key")),
            Recorded("run", 3 + 2 * place, NOW, 1, ToolFinished(ToolResult(asked.id, "done"), spent=cost)),
        ]
    inner = Bill((Charge(1, Cost(11.0, "EUR")), Charge(2, None)))
    found = bill(events, LISTS, {"c1": inner})

    assert (
        Charge(1, Cost(1_100.0, "JPY")),
        Charge(1, Cost(11.0, "EUR"), call_id="c1"),
        Charge(1, None, call_id="c1"),
        Charge(1, Cost(0.25), recorded=True, call_id="c2"),
        Charge(1, None, call_id="c3"),
    ) == found.charges


async def test_the_runs_that_a_run_has_called_are_on_its_bill():
    """Each by its own events: the outer run has only the sum of what they used."""
    journal = MemoryJournal()
    inner = Agent(ScriptedModel(reply("Inside.", usage=MILLION), name="a-model"), name="inner")
    outer = Agent(
        ScriptedModel(call("inner", task="x"), reply("Outside.", usage=MILLION), name="b-model"),
        tools=[inner.as_tool()],
        journal=journal,
    )
    result = await outer.run("go")
    runs = [result.run_id, *(name for name in journal._runs if name != result.run_id)]
    rows = [row_of(journal.read(name)) for name in runs]
    found = whole_bill(journal.read(result.run_id), rows, journal.read, LISTS)

    assert [("", "EUR"), ("call_1", "JPY"), ("", "EUR")] == [
        (each.call_id, each.cost.currency) for each in found.charges
    ]


def test_a_run_that_has_called_itself_ends_the_bill():
    """A damaged journal is no reason never to answer; nor is a nested run that cannot be read."""
    events = [Recorded("run", 0, NOW, 0, RunStarted("run", "a", ())), replied("a-model", "a.example")]
    rows = [Listed(run_id="run", parent="run/c1"), Listed(run_id="gone", parent="run/c2")]

    assert (Cost(1_100.0, "JPY"),) == whole_bill(events, rows, MemoryJournal().read, LISTS).costs
    assert Bill() == whole_bill((), rows, MemoryJournal().read, LISTS)


@given(st.lists(st.tuples(st.sampled_from(["", "EUR", "JPY"]), st.integers(0, 1_000)), max_size=20))
def test_sums_keep_to_their_currency(amounts):
    """Whatever is added, each currency has its own sum, and no other."""
    sums = {cost.currency: cost.amount for cost in added(Cost(amount, currency) for currency, amount in amounts)}

    assert {currency for currency, _ in amounts} == set(sums)
    assert sum(amount for _, amount in amounts) == sum(sums.values())
    assert all(sums[each] == sum(amount for currency, amount in amounts if currency == each) for each in sums)


# How it is told.


def test_a_story_tells_what_each_step_cost():
    """At the step and in the heading; that one is unknown is said where another is known."""
    events = [
        Recorded("run", 0, NOW, 0, RunStarted("run", "shop", (Message("user", "go"),))),
        replied("a-model", "a.example"),
        replied("c-model", "a.example", step=2, seq=2),
    ]
    lines = [line.text for line in story(events, bill=bill(events, LISTS))]

    assert "2 steps · 0 calls · 2,000,000 in · 2,000,000 out · cost at least 1100.00 JPY (1 step unpriced)" in lines[1]
    assert [True, True] == [
        any(line.startswith("step 1") and line.endswith("cost 1100.00 JPY") for line in lines),
        any(line.startswith("step 2") and line.endswith("unpriced") for line in lines),
    ]


def test_json_has_the_costs_by_currency():
    """Each with its currency, per step with whether it is on record; None where nobody knows."""
    events = [replied("a-model", "a.example"), replied("c-model", "a.example", step=2, cost=None)]
    told = as_json(events, bill(events, LISTS))

    assert ([{"amount": 1_100.0, "currency": "JPY"}], 1) == (told["costs"], told["unpriced"])
    assert [{"amount": 1_100.0, "currency": "JPY", "recorded": False}, None] == [step["cost"] for step in told["steps"]]


async def test_a_model_with_a_price_of_its_own_is_told_as_it_was():
    """Its amounts have no currency that anybody knows, and none is invented."""
    model = ScriptedModel(reply("Hello.", usage=MILLION), price=Price(1.0, 2.0))
    result = await Agent(model).run("go")

    assert "cost 3" == cost_text(bill(result.events, LISTS))


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0.0, "0 EUR"),
        (0.000001234, "0.000001234 EUR"),
        (0.0123456, "0.01235 EUR"),
        (12.5, "12.5 EUR"),
        (1e6, "1000000.00 EUR"),
    ],
)
def test_an_amount_is_written_as_people_write_it(amount, shown):
    """Small ones without an exponent, large ones to the cent."""
    assert shown == str(Cost(amount, "EUR"))
