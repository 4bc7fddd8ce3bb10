"""What models cost by their providers' lists: looked up when somebody asks, and never written down.

A price that is not known is None, which is not 0.  Amounts of two currencies are two amounts: nothing here exchanges money.
"""

import importlib.util
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from agentkit.errors import UsageError
from agentkit.messages import Usage
from agentkit.model import Price

VARIABLE = "AGENTKIT_PRICES"
"""Names a file with prices of the user's own, which go over all others."""

MOST = 10**12
"""Tokens of one request.  A server that says more has not counted."""

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class Cost:
    """An amount of money."""

    amount: float
    currency: str = ""
    """Its code, as in `CNY`; empty where nobody said: that of the model's own price, or of the server that told a cost."""

    def __str__(self) -> str:
        """The amount as people write it, however small."""
        short = f"{self.amount:.2f}" if abs(self.amount) >= 100 else f"{Decimal(f'{self.amount:.4g}'):f}"  # noqa: PLR2004
        return f"{short} {self.currency}".rstrip()


def added(costs: Iterable[Cost]) -> tuple[Cost, ...]:
    """What some costs come to, in each currency."""
    sums: dict[str, float] = {}
    for cost in costs:
        sums[cost.currency] = sums.get(cost.currency, 0.0) + cost.amount
    return tuple(Cost(amount, currency) for currency, amount in sums.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What a million tokens cost in requests up to a size."""

    input: Amount
    output: Amount
    cached: Amount | None = None
    """For input read from the provider's cache; None: as other input."""
    output_thinking: Amount | None = None
    """For the output of a reply with reasoning; None: as other output."""
    input_up_to: int | None = None
    """Tokens of input that a request may have; None: any number."""
    output_up_to: int | None = None

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def holds(self, usage: Usage) -> bool:
        """Whether a request of this size is charged by it."""
        sizes = ((usage.input, self.input_up_to), (usage.output, self.output_up_to))
        return all(most is None or (count or 0) <= most for count, most in sizes)

    def of(self, usage: Usage) -> float | None:
        """The cost of some usage; None when the server did not count."""
        thought = bool(usage.reasoning) and self.output_thinking is not None
        output = self.output_thinking if thought and self.output_thinking is not None else self.output
        return Price(self.input, output, self.cached).of(usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The list price of some models, from a day on."""

    models: tuple[str, ...]
    """Their ids; `*` stands for any letters."""
    currency: Annotated[str, Field(min_length=1)]
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)]
    """The first that a request fits into is charged."""
    hosts: tuple[str, ...] = ()
    """Who charges it, and every host within those; none: whoever is asked."""
    valid_from: date = date.min
    """The day, UTC, from which on it holds."""
    seen: date | None = None
    """The day on which somebody saw it at its source."""
    source: str = ""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def holds(self, model: str, host: str, day: date) -> bool:
        """Whether it is the price of a model, asked at a host (empty: nobody knows where) on a day."""
        here = not self.hosts or not host or any(f".{host}".endswith(f".{each.lower()}") for each in self.hosts)
        return here and day >= self.valid_from and any(fnmatchcase(model, each.lower()) for each in self.models)


Other = Callable[[str, Usage, datetime, str], Cost | None]
"""Prices from elsewhere: of a model, for some usage, at a moment, at a host."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Lists of prices; what the first of them knows, the others are not asked."""

    lists: tuple[tuple[Row, ...], ...] = ()
    other: Other | None = None
    """Who is asked last."""

    def of(self, model: str, usage: Usage, *, when: float, host: str = "") -> Cost | None:
        """What a reply cost by the list; None where nobody knows.

        Args:
            model: The model's id.
            usage: Of one reply: what a token costs can depend on how many there are.
            when: Seconds since 1970, UTC.
            host: Where the model was asked; left out, it is who lists the model, if that is one alone.
        """
        if not _countable(usage):
            return None
        moment = _moment(when)
        for rows in self.lists:
            fitting = [row for row in rows if row.holds(model.lower(), host.lower(), moment.date())]
            if len({row.hosts for row in fitting}) > 1 and not host:
                return None
            if fitting:
                return _charged(max(fitting, key=lambda row: row.valid_from), usage)
        return None if self.other is None else self.other(model, usage, moment, host)


NO_PRICES = Prices()
"""For what is on record alone."""


def _countable(usage: Usage) -> bool:
    counts = (usage.input, usage.output, usage.cached or 0, usage.reasoning or 0)
    return all(count is not None and 0 <= count <= MOST for count in counts) and (usage.cached or 0) <= (
        usage.input or 0
    )


def _moment(when: float) -> datetime:
    try:
        return datetime.fromtimestamp(when, UTC)
    except (ValueError, OverflowError, OSError):
        # A damaged record; what is dated holds for it as for the first of days.
        return datetime.min.replace(tzinfo=UTC)


def _charged(row: Row, usage: Usage) -> Cost | None:
    tier = next((tier for tier in row.tiers if tier.holds(usage)), None)
    amount = None if tier is None else tier.of(usage)
    return None if amount is None else Cost(amount, row.currency)


# Where prices come from.

_ROWS = TypeAdapter(tuple[Row, ...])


def price_list(text: str, place: str) -> tuple[Row, ...]:
    """The rows of a list, written as TOML.

    Raises:
        UsageError: It is no list of prices; the message says where.
    """
    try:
        table = tomllib.loads(text)
        if unknown := table.keys() - {"price"}:
            raise UsageError(f"{place} has {', '.join(sorted(unknown))}, and is to have nothing but [[price]] tables")
        return _ROWS.validate_python(table.get("price", ()))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{place} is no TOML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"{place} is no list of prices: {first['msg']} (price.{where}); docs/costs.md shows one"
        ) from error


def known_prices(environment: Mapping[str, str] = os.environ) -> Prices:
    """All prices there are: those in the file that AGENTKIT_PRICES names, agentkit's own, and those of `genai-prices`.

    Raises:
        UsageError: The file cannot be read, or is no list of prices.
    """
    lists: Sequence[tuple[Row, ...]] = (_shipped(),)
    if place := environment.get(VARIABLE, "").strip():
        lists = (_read(Path(place).expanduser()), *lists)
    return Prices(tuple(lists), _elsewhere if importlib.util.find_spec("genai_prices") else None)


@cache
def _shipped() -> tuple[Row, ...]:
    text = resources.files("agentkit").joinpath("prices.toml").read_text(encoding="utf-8")
    return price_list(text, "agentkit/prices.toml")


def _read(path: Path) -> tuple[Row, ...]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"{VARIABLE} names {str(path)!r}, which cannot be read: {error}") from error
    return price_list(text, str(path))


def _elsewhere(model: str, usage: Usage, when: datetime, host: str) -> Cost | None:
    """The price that `genai-prices` has, which is in dollars; nothing is fetched."""
    # It takes 0.4 s to load, and an application may never ask.
    import genai_prices  # noqa: PLC0415

    counted = genai_prices.Usage(
        input_tokens=usage.input, output_tokens=usage.output, cache_read_tokens=usage.cached or 0
    )
    where = f"https://{host}" if host else None
    try:
        found = genai_prices.calc_price(counted, model, provider_api_url=where, genai_request_timestamp=when)
    except (LookupError, ValueError):
        return None
    return Cost(float(found.total_price), "USD")
