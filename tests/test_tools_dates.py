from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit import ToolError
from agentkit_tools import date_tools

TOOLS = {tool.name: tool for tool in date_tools(now=lambda: datetime(2026, 11, 22, 21, 3, 5, tzinfo=UTC))}
current_time, days_between, add_to_date = TOOLS["current_time"], TOOLS["days_between"], TOOLS["add_to_date"]
weekday, convert_timezone = TOOLS["weekday"], TOOLS["convert_timezone"]


@pytest.mark.parametrize(
    ("timezone", "expected"),
    [
        ("UTC", "2026-11-22T21:03:05+00:00 (Sunday, UTC)"),
        ("Europe/Berlin", "2026-11-22T22:03:05+01:00 (Sunday, Europe/Berlin)"),
        ("Asia/Tokyo", "2026-11-23T06:03:05+09:00 (Monday, Asia/Tokyo)"),
    ],
)
def test_the_time_is_that_of_the_clock_in_the_zone_asked_for(timezone, expected):
    """The clock is handed in, and its moment is told as the zone has it."""
    assert expected == current_time(timezone)


def test_without_a_clock_it_is_the_time_of_the_machine():
    """The clock of the machine is taken when none is given."""
    told = {tool.name: tool for tool in date_tools()}["current_time"]()

    assert abs(datetime.fromisoformat(told.split(" ")[0]) - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("Berlin", "did you mean Europe/Berlin?"),
        ("New York", "did you mean America/New_York?"),
        ("europe/berln", "Europe/Berlin"),
        ("", "write an IANA name"),
        ("../../etc/passwd", "there is no time zone"),
        ("/etc/passwd", "there is no time zone"),
        ("America", "there is no time zone"),
        ("a\0b", "there is no time zone"),
        ("\ud800", "there is no time zone"),
        ("x" * 400, "there is no time zone"),
    ],
)
def test_an_unknown_zone_is_told_with_those_it_may_be(name, part):
    """A name that is no zone is a ToolError, with the zones of that city or of nearly that name."""
    with pytest.raises(ToolError) as caught:
        current_time(name)

    assert part in str(caught.value)


def told(call, *args):
    """What the model is told, be it an answer or a refusal."""
    try:
        return call(*args)
    except ToolError as error:
        return str(error)


@given(st.text())
def test_any_zone_name_has_a_time_or_a_reason(name):
    """Whatever the name, the answer is a string or a ToolError."""
    assert isinstance(told(current_time, name), str)


@pytest.mark.parametrize(
    ("start", "amounts", "expected"),
    [
        (date(2026, 1, 31), {"months": 1}, date(2026, 2, 28)),
        (date(2024, 2, 29), {"years": 1}, date(2025, 2, 28)),
        (date(2026, 1, 31), {"months": -2}, date(2025, 11, 30)),
        (date(2026, 1, 31), {"months": 13, "days": -1}, date(2027, 2, 27)),
        (date(2026, 12, 31), {"weeks": 1, "days": 1}, date(2027, 1, 8)),
        (date(2026, 12, 31), {}, date(2026, 12, 31)),
    ],
)
def test_months_end_where_they_end(start, amounts, expected):
    """Years and months are added first, and a missing day becomes the last of its month."""
    assert expected == add_to_date(start, **amounts)


@pytest.mark.parametrize(
    "amounts", [{"years": -2027}, {"years": 10**30}, {"months": -(10**9)}, {"days": 10**12}, {"weeks": 10**30}]
)
def test_a_date_outside_the_calendar_is_refused(amounts):
    """Years end at 1 and 9999, and what is outside is a ToolError."""
    with pytest.raises(ToolError, match="outside the years 1 to 9999"):
        add_to_date(date(2026, 1, 1), **amounts)


@given(st.dates(), st.dates())
def test_the_days_between_lead_from_one_date_to_the_other(start, end):
    """Adding the days between two dates to the first gives the second."""
    assert end == add_to_date(start, days=days_between(start, end))


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 11, 22), "Sunday, week 47 of 2026, day 326 of the year"),
        (date(2027, 1, 1), "Friday, week 53 of 2026, day 1 of the year"),
    ],
)
def test_a_weekday_comes_with_its_week(day, expected):
    """The ISO week may belong to the year before."""
    assert expected == weekday(day)


@pytest.mark.parametrize(
    ("time", "zones", "expected"),
    [
        (
            "2026-05-01T14:30",
            ("America/New_York", "Europe/Berlin"),
            "2026-05-01T08:30:00-04:00 (Friday, America/New_York)",
        ),
        ("2026-05-01T14:30Z", ("Asia/Tokyo",), "2026-05-01T23:30:00+09:00 (Friday, Asia/Tokyo)"),
        (
            "2026-05-01T14:30+02:00",
            ("UTC", "Europe/Berlin"),
            "2026-05-01T12:30:00+00:00 (Friday, UTC)",
        ),
    ],
)
def test_a_moment_is_told_on_the_clocks_of_another_zone(time, zones, expected):
    """A time says its offset or its zone, and is the same moment elsewhere."""
    assert expected == convert_timezone(datetime.fromisoformat(time), *zones)


@pytest.mark.parametrize(
    ("time", "zones", "part"),
    [
        ("2026-05-01T14:30", ("UTC",), "give from_timezone"),
        (
            "2026-05-01T14:30Z",
            ("UTC", "Europe/Berlin"),
            "the offset +0000 is not that of Europe/Berlin",
        ),
        ("2026-03-29T02:30", ("UTC", "Europe/Berlin"), "there is no 2026-03-29 02:30 in Europe/Berlin"),
        ("2026-10-25T02:30", ("UTC", "Europe/Berlin"), "+0200 for the first, +0100 for the second"),
        ("0001-01-01", ("UTC", "Asia/Tokyo"), "outside the years 1 to 9999"),
        ("2026-05-01", ("Nowhere", "Asia/Tokyo"), "there is no time zone 'Nowhere'"),
    ],
)
def test_a_time_that_leaves_its_moment_open_is_asked_about(time, zones, part):
    """No zone is guessed, and hours that clocks skip or repeat are refused."""
    with pytest.raises(ToolError) as caught:
        convert_timezone(datetime.fromisoformat(time), *zones)

    assert part in str(caught.value)


def test_all_of_them_only_look():
    """Each has the effect `read`, and a description of every argument."""
    assert {"read"} == {tool.options.effect for tool in TOOLS.values()}
    assert all("description" in schema for tool in TOOLS.values() for schema in tool.parameters["properties"].values())
