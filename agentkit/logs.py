"""The log of an application: silent until `configure()`, then one line for each step of every run."""

import logging
import sys
from typing import TextIO

import structlog

from agentkit.events import EVERYWHERE, Observer
from agentkit.observers.log import log_steps
from agentkit.observers.pages import ForEyes

_installed: list[Observer] = []


def configure(*, stream: TextIO | None = None, pretty: bool | None = None) -> None:
    """Write the steps of all runs to a stream; calling it again replaces what it did before.

    For an application with a structlog of its own there is `Agent(observers=[log_steps(logger)])`, from
    `agentkit.observers.log`, which configures nothing.

    Args:
        stream: Where to; standard error when left out, so that it never mixes with an application's output.
        pretty: For eyes, or one JSON object a line; when left out, for eyes on a terminal.
    """
    target = sys.stderr if stream is None else stream
    for_eyes = target.isatty() if pretty is None else pretty
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if for_eyes:
        processors.append(ForEyes(colors=target.isatty()))
    else:
        processors.append(structlog.processors.JSONRenderer(ensure_ascii=False, default=str))
    logger = structlog.wrap_logger(
        structlog.PrintLogger(target),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    silence()
    observer = log_steps(logger)
    _installed.append(observer)
    EVERYWHERE.append(observer)


def silence() -> None:
    """Undo `configure`."""
    for observer in _installed:
        if observer in EVERYWHERE:
            EVERYWHERE.remove(observer)
    _installed.clear()
