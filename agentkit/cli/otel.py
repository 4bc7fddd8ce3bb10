"""`agentkit export RUN --otlp`: a run sent to a backend.  The packages for that are loaded when somebody wants it."""

import importlib
import logging
import os

from agentkit.errors import AgentkitError
from agentkit.journal import Journal
from agentkit.secrets import scrub

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
DEFAULT = "http://localhost:4318"


class _Heard(logging.Handler):
    """Keeps what an exporter logs, which is the only place where it says why it failed."""

    def __init__(self) -> None:
        super().__init__()
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()


def sent(journal: Journal, run_id: str) -> str:
    """Send a run and those within it, as the standard variables say; what is to be said of it.

    Raises:
        UsageError: The packages are not installed.
        UnknownRun: There is no such run.
        AgentkitError: The backend did not take it; the message says why.
    """
    otel = importlib.import_module("agentkit.otel")
    log, heard = logging.getLogger("opentelemetry"), _Heard()
    propagate, log.propagate = log.propagate, False
    log.addHandler(heard)
    try:
        count = otel.send_to_otlp(journal, run_id)
    except otel.ExportFailed as error:
        raise AgentkitError(f"{error}. The exporter says: {heard.last}" if heard.last else str(error)) from error
    finally:
        log.removeHandler(heard)
        log.propagate = propagate
    return f"sent {count} spans of run {run_id} to {_endpoint()}"


def _endpoint() -> str:
    traces = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return scrub(traces or os.environ.get(ENDPOINT) or DEFAULT)
