"""Days, weekdays and time zones, reckoned by the calendar instead of from memory.

The clock is handed in.  No zone is guessed: a time without one is asked about.
"""

import calendar
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

from agentkit import Tool, ToolError, tool

# Those of `strftime` are in the language of the process.
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def date_tools(*, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> list[Tool[..., object]]:
    """What time it is, and how days and zones are reckoned.

    Args:
        now: The clock; what it gives must know its time zone.
    """

    def current_time(timezone: str = "UTC") -> str:
        """The date, time and weekday at this moment.

        Args:
            timezone: Where, as an IANA name such as "Europe/Berlin".
        """
        return _told(now().astimezone(_zone(timezone)))

    functions: list[Callable[..., object]] = [current_time, days_between, add_to_date, weekday, convert_timezone]
    return [tool(function, effect="read") for function in functions]


def days_between(start: date, end: date) -> int:
    """Count the days from one date to another; negative if the second is the earlier.

    Args:
        start: The day to count from, as YYYY-MM-DD; it is not counted itself.
        end: The day to count to, as YYYY-MM-DD.
    """
    return (end - start).days


def add_to_date(start: date, *, years: int = 0, months: int = 0, weeks: int = 0, days: int = 0) -> date:
    """The date some time after another; with negative numbers, before it.

    Years and months are added first. A day its month does not have becomes the last of the month:
    a month after January 31 is February 28 or 29.

    Args:
        start: The date to begin at, as YYYY-MM-DD.
        years: Years to add.
        months: Months to add.
        weeks: Weeks to add.
        days: Days to add.
    """
    year, month = divmod((start.year + years) * 12 + start.month - 1 + months, 12)
    try:
        last = calendar.monthrange(year, month + 1)[1]
        return start.replace(year=year, month=month + 1, day=min(start.day, last)) + timedelta(weeks=weeks, days=days)
    except (ValueError, OverflowError):
        raise ToolError("that date is outside the years 1 to 9999") from None


def weekday(day: date) -> str:
    """The weekday of a date, with its ISO week and its number in the year.

    Args:
        day: The date, as YYYY-MM-DD.
    """
    week = day.isocalendar()
    return f"{WEEKDAYS[day.weekday()]}, week {week.week} of {week.year}, day {day.timetuple().tm_yday} of the year"


def convert_timezone(time: datetime, to_timezone: str, from_timezone: str | None = None) -> str:
    """The same moment on the clocks of another time zone.

    Args:
        time: Date and time, as 2026-05-01T14:30 or with its offset as 2026-05-01T14:30+02:00.
        to_timezone: The zone wanted, as an IANA name such as "America/New_York".
        from_timezone: The zone of the time, as an IANA name; needed if the time has no offset.
    """
    wanted = _zone(to_timezone)
    try:
        return _told(_moment(time, from_timezone).astimezone(wanted))
    except OverflowError:
        raise ToolError("that moment is outside the years 1 to 9999") from None


def _moment(time: datetime, name: str | None) -> datetime:
    """The moment meant by what is on a clock; which one it is may not be left open."""
    zone = None if name is None else _zone(name)
    if time.tzinfo is not None:
        if zone is not None and time.utcoffset() != time.astimezone(zone).utcoffset():
            raise ToolError(f"the offset {time:%z} is not that of {name} at that time; give one of the two")
        return time
    if zone is None:
        raise ToolError("the time has no offset; give from_timezone, or write the offset behind the time, as in +02:00")
    early, late = time.replace(tzinfo=zone), time.replace(tzinfo=zone, fold=1)
    if early.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != time:
        raise ToolError(f"there is no {time:%Y-%m-%d %H:%M} in {name}: clocks are put forward past it")
    if early.utcoffset() != late.utcoffset():
        raise ToolError(
            f"{time:%Y-%m-%d %H:%M} comes twice in {name}, as clocks are put back; "
            f"write the offset behind the time: {early:%z} for the first, {late:%z} for the second"
        )
    return early


def _told(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='seconds')} ({WEEKDAYS[moment.weekday()]}, {moment.tzinfo})"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    # A folder of zones, a path, and a text that is no file name each fail in a way of their own.
    except (KeyError, ValueError, OSError):
        raise ToolError(_unknown(name[:80])) from None


def _unknown(name: str) -> str:
    zones = {zone.lower(): zone for zone in sorted(available_timezones())}
    wanted = name.strip().replace(" ", "_").lower()
    found = [key for key in zones if wanted in {key, key.rpartition("/")[2]}] or get_close_matches(wanted, zones, n=3)
    meant = (
        f"did you mean {' or '.join(zones[key] for key in found)}?"
        if found
        else "write an IANA name such as Europe/Berlin"
    )
    return f"there is no time zone {name!r}; {meant}"
