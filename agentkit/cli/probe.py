"""`agentkit probe`: what an endpoint really does, and the profile that follows from it."""

import asyncio
import dataclasses
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import click
import httpx
import pydantic_core
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agentkit.chat.profiles import UNKNOWN, Profile
from agentkit.chat.providers import PROFILES
from agentkit.errors import MissingCredentials, ModelError
from agentkit.messages import Usage
from agentkit.observers.console import Terminal
from agentkit.observers.plain import counted_as, printable
from agentkit.probe.findings import Finding, as_code, profile_from
from agentkit.probe.probe import QUESTIONS, Probe, Question
from agentkit.secrets import scrub

_STYLES = {"yes": "green", "partly": "yellow", "no": "red", "refused": "red", "unclear": "dim"}

_ITS_OWN = {"name", "source", "hosts", "models"}
"""What a profile says of itself and not of how a provider is spoken to."""


@click.command()
@click.argument("base_url")
@click.option("--model", metavar="ID", required=True, help="The model to ask for.")
@click.option("--key-env", metavar="NAME", help="The variable that holds the key; else AGENTKIT_API_KEY.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def probe(base_url: str, model: str, key_env: str | None, *, as_json: bool) -> None:
    """Find out what an endpoint really does.

    BASE_URL goes up to /v1.  Asks about twenty small questions, and prints what was found, how that differs from the table of providers, and the code to use.
    """
    asked = Probe(model, base_url=base_url, api_key=_key(key_env))
    error: ModelError | None = None
    try:
        with _progress() as begin:
            asyncio.run(asked.run(begin))
    except ModelError as failure:
        if not asked.findings:
            raise
        error = failure
    report = _report(base_url, model, asked, error)
    if as_json:
        click.echo(_as_json(report))
    else:
        _show(report, Terminal(highlight=False))
    if error is not None:
        raise error


def _key(variable: str | None) -> str | None:
    if variable is None:
        return None
    if not os.environ.get(variable):
        raise MissingCredentials(
            f"--key-env names {variable}, which is not set in the environment; set it, or leave it out"
        )
    return os.environ[variable]


@contextmanager
def _progress() -> Iterator[Callable[[Question], None]]:
    """Tells which question is asked, where somebody waits at a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("") as status:

        def begin(question: Question) -> None:
            status.update(f"{QUESTIONS.index(question) + 1} of {len(QUESTIONS)}: {question.words}?")

        yield begin


@dataclass(frozen=True, slots=True)
class Report:
    """What a probe has to tell."""

    base_url: str
    model: str
    findings: tuple[Finding, ...]
    calls: int
    usage: Usage
    known: Profile
    """The table's profile for address and model, or `UNKNOWN`."""
    profile: Profile
    """The one to use."""
    fits: tuple[str, ...]
    """Those of the table, among the servers that run anywhere, that nothing found speaks against."""
    code: str
    error: str | None
    """Why it came to an end before all was asked."""


def _report(base_url: str, model: str, asked: Probe, error: ModelError | None) -> Report:
    known = asked.known.profile
    # An address may hold a password or a key, and a report is pasted where others read it.
    shown = scrub(str(httpx.URL(base_url).copy_with(userinfo=b"")))
    profile = profile_from(asked.findings, known)
    if profile != known:
        source = f"agentkit probe of {httpx.URL(base_url).host}, {datetime.now(UTC).date().isoformat()}"
        profile = dataclasses.replace(profile, source=source)
    fits = tuple(name for name, each in _anywhere() if profile_from(asked.findings, each) == each)
    code = _code(model, shown, None if profile == known else profile)
    said = None if error is None else scrub(str(error))
    return Report(shown, model, asked.findings, asked.calls, asked.usage, known, profile, fits, code, said)


def _anywhere() -> Iterator[tuple[str, Profile]]:
    """The profiles of servers that run at any address: a port at most tells them."""
    return (
        (name, each)
        for name, each in PROFILES.items()
        if re.search(r":\d", each.hosts) or not (each.hosts or each.models or each.body)
    )


def _code(model: str, base_url: str, profile: Profile | None) -> str:
    """The lines that make the model."""
    parts = [as_code(model), f"base_url={as_code(base_url)}"]
    if profile is None:
        return f"from agentkit import Chat\n\nmodel = Chat({', '.join(parts)})"
    parts.append(f"profile={as_code(profile, '    ')}")
    names = ("Chat", "Profile", *(("Settings",) if "=Settings(" in parts[-1] else ()))
    inside = "".join(f"    {part},\n" for part in parts)
    return f"from agentkit import {', '.join(names)}\n\nmodel = Chat(\n{inside})"


def _differing(known: Profile, found: Profile) -> dict[str, tuple[object, object]]:
    """The fields in which one profile is not the other: what was known, what was found."""
    names = [each.name for each in dataclasses.fields(Profile) if each.name not in _ITS_OWN]
    pairs = {name: (getattr(known, name), getattr(found, name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _as_json(report: Report) -> str:
    whole = {
        "base_url": report.base_url,
        "model": report.model,
        "findings": [dataclasses.asdict(finding) for finding in report.findings],
        "calls": report.calls,
        "usage": dataclasses.asdict(report.usage),
        "known_as": report.known.name,
        "differences": {
            name: {"known": _plain(known), "found": _plain(found)}
            for name, (known, found) in _differing(report.known, report.profile).items()
        },
        "fits": report.fits,
        "profile": {each.name: _plain(getattr(report.profile, each.name)) for each in dataclasses.fields(Profile)},
        "code": report.code,
        "error": report.error,
    }
    plain = pydantic_core.to_jsonable_python(whole)
    # Half a surrogate pair, which a model may have said, has no bytes that could be written.
    return json.dumps(plain, ensure_ascii=False, indent=2).encode("utf-8", "replace").decode()


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else value


def _show(report: Report, console: Console) -> None:
    rows = [(finding.name, finding.verdict, printable(finding.detail)) for finding in report.findings]
    if console.is_terminal:
        table = Table("what", "verdict", "what was seen", box=None, padding=(0, 2, 0, 0), header_style="bold")
        for name, verdict, detail in rows:
            table.add_row(name, Text(verdict, _STYLES[verdict]), Text(detail))
        console.print(table)
    else:
        for name, verdict, detail in rows:
            _line(console, f"{name:<24}{verdict:<9}{detail}")
    _line(console, "")
    for line in _summary(report):
        _line(console, line)
    _line(console, "")
    console.print(Text(printable(report.code)), soft_wrap=True)


def _line(console: Console, text: str) -> None:
    # At a terminal, lines are wrapped between words; a program gets them whole.
    console.print(Text(text), soft_wrap=not console.is_terminal)


def _summary(report: Report) -> Iterator[str]:
    usage = report.usage
    spent = "tokens were not counted"
    if usage.input is not None:
        spent = f"{usage.input:,} tokens in, {usage.output or 0:,} out"
    yield f"{counted_as(report.calls, 'request')}, {spent}."
    if report.known == UNKNOWN:
        yield "The table of providers does not know this endpoint."
        fits = ", ".join(report.fits)
        yield f"Nothing found speaks against: {fits}." if fits else "None of the servers in it does all of this."
    else:
        yield f"The table of providers knows this endpoint as {report.known.name}."
    differences = _differing(report.known, report.profile)
    for name, (known, found) in differences.items():
        yield f"  {name}: {_words(found)}; the profile {report.known.name} has {_words(known)}"
    if not differences:
        yield f"It does as the profile {report.known.name} says."


def _words(value: object) -> str:
    return ", ".join(sorted(value)) or "none" if isinstance(value, frozenset) else as_code(value)
