"""Which process this is, and whether another one is still there.  Nothing here is stored or waited for."""

import os
import socket
from pathlib import Path


def this_process() -> str:
    """This process, so that nobody takes another one with its number for it: `host|boot|namespace|pid|start`."""
    pid = os.getpid()
    return "|".join((*_machine(), str(pid), _started(pid)))


def is_gone(process: str) -> bool | None:
    """Whether a process has ended; None where that cannot be seen from here."""
    host, boot, namespace, pid, started = process.split("|")[:5]
    here = _machine()
    if host != here[0]:
        return None
    if boot != here[1]:
        # This machine has been started since.
        return True if boot and here[1] else None
    if namespace != here[2] or not hasattr(os, "getpgid"):
        return None
    return not _lives(int(pid), started)


def shown(process: str) -> str:
    """A process as people are told of it: `host:pid`."""
    host, _, _, pid = process.split("|")[:4]
    return f"{host}:{pid}"


def _machine() -> tuple[str, str, str]:
    """Host, boot and namespace of process numbers: two processes that agree in them can see each other."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - the link's target is no path
    except OSError:
        boot = namespace = ""
    return socket.gethostname(), boot, namespace


def _lives(pid: int, started: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    # A number is given again after a while; the moment of the start is not.
    now = _started(pid)
    return not (started and now) or started == now


def _started(pid: int) -> str:
    """When a process began, in ticks since the machine did; empty where that cannot be seen."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name in brackets may hold anything; what follows it is numbers.  A zombie has ended.
    fields = text.rpartition(")")[2].split()
    return "ended" if fields[0] in {"Z", "X"} else fields[19]
