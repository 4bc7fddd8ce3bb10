"""Serves the page to this machine, and to nobody else."""

import errno
import socket
from dataclasses import dataclass
from threading import Thread

import uvicorn

from agentkit.errors import UsageError
from agentkit.prices import known_prices
from agentkit.sqlite.journal import SqliteJournal
from agentkit.viewer.api import Deeds
from agentkit.viewer.app import application
from agentkit.viewer.guard import Guard
from agentkit.viewer.reading import Reading

HOST = "127.0.0.1"

FAREWELL = 1
"""Seconds that a browser which is still watching is given at the end."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page that is ready to be served.

    Attributes:
        address: Where it is, with the secret that opens it.
    """

    address: str
    _server: uvicorn.Server
    _socket: socket.socket

    @property
    def at(self) -> tuple[str, int]:
        """The address and the port that it listens at."""
        host, port = self._socket.getsockname()
        return host, port

    def serve(self) -> None:
        """Serve until a signal ends it."""
        self._server.run([self._socket])

    def stop(self) -> None:
        """End it from another thread."""
        self._server.should_exit = True


def page(journal: SqliteJournal, *, port: int = 0, deeds: Deeds | None = None) -> Page:
    """The page over a journal.

    Args:
        journal: Whose runs are shown.
        port: Where; 0 for any that is free.
        deeds: Who forks runs and takes down decisions; without, the page only reads.

    Raises:
        UsageError: The port cannot be had.
    """
    bound = _bound(port)
    at = bound.getsockname()[1]
    reading = Reading(journal, known_prices())
    Thread(target=reading.warm, name="agentkit-ui-warm", daemon=True).start()
    guard = Guard(application(reading, deeds), port=at, write=deeds is not None)
    config = uvicorn.Config(
        guard,
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=FAREWELL,
        lifespan="off",
        ws="none",
    )
    return Page(f"http://{HOST}:{at}/?token={guard.token}", uvicorn.Server(config), bound)


def _bound(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
        bound.listen()
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError(
                f"port {port} is in use by another program; give another one with --port, or none for any that is free"
            ) from error
        raise UsageError(f"port {port} cannot be used: {error.strerror}; give another one with --port") from error
    return bound
