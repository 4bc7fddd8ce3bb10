"""The log of an application: silent until it asks, then one line for each step of every run."""

import logging
import sys
from collections.abc import Callable
from typing import Literal, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter

from agentkit.errors import UsageError
from agentkit.events import EVERYWHERE, Observer
from agentkit.observers.lines import Fields, Standard, as_json, without_secrets
from agentkit.observers.log import log_starts, log_steps
from agentkit.observers.pages import ForEyes

Level = Literal["debug", "info", "warning", "error"]

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_installed: list[Observer] = []
_undo: list[Callable[[], None]] = []
"""How what was changed in the standard library's logging is changed back."""


def configure(
    *, stream: TextIO | None = None, pretty: bool | None = None, level: Level = "info", standard: bool = False
) -> None:
    """Write the steps of all runs to a stream; calling it again replaces what it did before.

    `error` is a run whose model failed; `warning` a run that ended otherwise than with an answer, a step with a failed call, a model
    asked again; `info` each step, the beginning and the end of a run; `debug` also each request and each call that begins.

    For an application with a structlog of its own there is `Agent(observers=[log_steps(logger)])`, from
    `agentkit.observers.log`, and for one with the standard library's logging `to_standard`; both configure nothing.

    Args:
        stream: Where to; standard error when left out, so that it never mixes with an application's output.
        pretty: For eyes, or one JSON object a line; when left out, for eyes on a terminal.
        level: The least that is written.
        standard: Whether what others write to the standard library's logging (httpx, uvicorn, the application) comes out in the
            same form.  It sets the level of the root logger, and adds to its handlers.

    Raises:
        UsageError: There is no such level.
    """
    if level not in _LEVELS:
        raise UsageError(f"level is {level!r}; it must be one of {', '.join(_LEVELS)}")
    target = sys.stderr if stream is None else stream
    for_eyes = target.isatty() if pretty is None else pretty
    render = ForEyes(colors=target.isatty()) if for_eyes else as_json
    chain: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    logger = structlog.wrap_logger(
        structlog.WriteLogger(target),
        processors=[*chain, without_secrets, render],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        cache_logger_on_first_use=True,
    )
    silence()
    _install(log_steps(logger), log_starts(logger))
    if standard:
        _take_over(_handler(target, chain, render), _LEVELS[level])


def to_standard(name: str = "agentkit") -> None:
    """Write the steps of all runs to a logger of the standard library, which the application configures.

    Messages are one line for people; the fields are attributes of the records, as in `%(run_id)s`.  It takes the place of what
    `configure` did.

    Args:
        name: Of the logger.
    """
    silence()
    logger = Standard(logging.getLogger(name))
    _install(log_steps(logger), log_starts(logger))


def silence() -> None:
    """Undo `configure` and `to_standard`."""
    for observer in _installed:
        if observer in EVERYWHERE:
            EVERYWHERE.remove(observer)
    _installed.clear()
    while _undo:
        _undo.pop()()


def _install(*observers: Observer) -> None:
    _installed.extend(observers)
    EVERYWHERE.extend(observers)


def _handler(
    target: TextIO, chain: list[structlog.typing.Processor], render: structlog.typing.Processor
) -> logging.Handler:
    """Writes records of the standard library in the form of the log."""
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[*chain, structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder()],
            processors=[
                ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _without_echoes,
                without_secrets,
                render,
            ],
        )
    )
    return handler


def _without_echoes(_logger: object, _method: str, fields: Fields) -> Fields:
    # Uvicorn tells its messages a second time, with escapes for a terminal; other handlers leave theirs on a record.
    for name in ("color_message", "message", "asctime"):
        fields.pop(name, None)
    return fields


def _take_over(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    before = root.level

    def give_back() -> None:
        root.removeHandler(handler)
        if root.level == level:
            # Else somebody has changed it since.
            root.setLevel(before)

    root.addHandler(handler)
    root.setLevel(level)
    _undo.append(give_back)
