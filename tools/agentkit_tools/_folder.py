"""A folder that cannot be left.

A path is resolved and must lie inside; then it is opened part by part from the folder's own descriptor, and no part
may be a symbolic link any more.  So a link inside the folder works if it points inside, and one that is put in place
after the check fails to open.  What cannot be told apart from a file inside: a hard link to one outside, and a mount.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path, PurePosixPath
from secrets import token_hex
from typing import BinaryIO, Literal

from agentkit import ToolError, UsageError

Parts = tuple[str, ...]
"""A path inside the folder; the folder itself has none."""
Kind = Literal["file", "folder", "link", "special"]

MOST_ENTRIES = 20_000
"""Entries looked at by one call."""
NAMED = 12
"""Names listed in an error."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in the folder."""

    parts: Parts
    kind: Kind
    size: int


@dataclass(frozen=True, slots=True)
class Folder:
    """The one place where files are opened."""

    root: Path

    @classmethod
    def at(cls, root: str | os.PathLike[str]) -> "Folder":
        """The folder of that path.

        Raises:
            UsageError: It is no folder, or the operating system cannot open files relative to one.
        """
        if not {os.open, os.stat, os.mkdir, os.unlink} <= os.supports_dir_fd or os.scandir not in os.supports_fd:
            raise UsageError(
                "file tools need an operating system that opens files relative to a folder, as Linux and macOS do"
            )
        resolved = Path(root).resolve()
        if not resolved.is_dir():
            raise UsageError(f"there is no folder {str(root)!r} for file tools to work in")
        return cls(resolved)

    def inside(self, path: str) -> Parts:
        """The parts of a path, with links resolved; refused when it leads outside."""
        if "\0" in path:
            raise ToolError(f"{quoted(path)} is no path: it has a null character")
        if PurePosixPath(path).is_absolute():
            raise ToolError(
                f"{quoted(path)} is an absolute path; give it relative to the folder, as list_files shows it"
            )
        try:
            resolved = Path(os.path.realpath(self.root / path))
        except (OSError, ValueError):
            raise ToolError(f"{quoted(path)} is no path") from None
        if not resolved.is_relative_to(self.root):
            raise ToolError(f"{quoted(path)} leads outside the folder, and only what is inside can be used")
        return resolved.relative_to(self.root).parts

    @contextmanager
    def descriptor(self, parts: Parts, *, make: bool = False) -> Iterator[int]:
        """A folder inside, opened; with `make` its missing parts are made."""
        here = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in parts:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(part, dir_fd=here)
                above, here = here, os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
                os.close(above)
            yield here
        finally:
            os.close(here)

    def status(self, parts: Parts) -> os.stat_result:
        with self.descriptor(parts[:-1]) as above:
            return os.stat(parts[-1], dir_fd=above, follow_symlinks=False) if parts else os.fstat(above)

    @contextmanager
    def opened(self, parts: Parts) -> Iterator[BinaryIO]:
        """An ordinary file, for reading."""
        _expect_file(parts, self.status(parts))
        with self.descriptor(parts[:-1]) as above:
            # What has become a pipe since then must not make anyone wait for its other end.
            descriptor = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=above)
        with os.fdopen(descriptor, "rb") as file:
            _expect_file(parts, os.fstat(descriptor))
            yield file

    def write(self, parts: Parts, content: bytes) -> None:
        """Put a file in place, whole or not at all; one that is there is replaced and its permissions are kept."""
        temporary = f".{token_hex(8)}.tmp"
        with self.descriptor(parts[:-1], make=True) as above:
            try:
                before = self.status(parts) if self.exists(parts) else None
                if before is not None:
                    _expect_file(parts, before)
                descriptor = os.open(
                    temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666, dir_fd=above
                )
                with os.fdopen(descriptor, "wb") as file:
                    if before is not None:
                        os.fchmod(descriptor, before.st_mode & 0o777)
                    file.write(content)
                    file.flush()
                    os.fsync(descriptor)
                os.replace(temporary, parts[-1], src_dir_fd=above, dst_dir_fd=above)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=above)

    def exists(self, parts: Parts) -> bool:
        try:
            self.status(parts)
        except FileNotFoundError:
            return False
        return True

    def entries(self, parts: Parts) -> list[Entry]:
        """What is directly in a folder, by name."""
        found = []
        with self.descriptor(parts) as here, os.scandir(here) as entries:
            for entry in islice(entries, MOST_ENTRIES):
                # What is gone by now is not there.
                with suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    found.append(Entry((*parts, entry.name), kind_of(status.st_mode), status.st_size))
        return sorted(found, key=lambda entry: entry.parts)

    def walk(self, start: Parts, *, deep: bool, hidden: bool = False) -> Iterator[Entry]:
        """What is in a folder and, if deep, in the folders below; links are not followed, hidden folders on request."""
        waiting = [start]
        while waiting:
            here = waiting.pop()
            try:
                entries = self.entries(here)
            except OSError:
                if here == start:
                    raise
                continue
            yield from entries
            if deep:
                below = [
                    entry.parts for entry in entries if entry.kind == "folder" and (hidden or entry.parts[-1][0] != ".")
                ]
                waiting.extend(reversed(below))

    @contextmanager
    def explaining(self, path: str, parts: Parts) -> Iterator[None]:
        """Tell what the operating system refused in words for the model."""
        try:
            yield
        except FileNotFoundError:
            raise ToolError(f"there is no {quoted(path)}{self._nearby(parts)}") from None
        except NotADirectoryError:
            raise ToolError(f"{quoted(path)} cannot be used: a part of it is no folder") from None
        except IsADirectoryError:
            raise ToolError(f"{quoted(path)} is a folder") from None
        except OSError as error:
            raise ToolError(f"{quoted(path)} cannot be used: {error.strerror}") from None

    def _nearby(self, parts: Parts) -> str:
        """What may have been meant by a path that is not there."""
        depth = len(parts)
        entries: list[Entry] | None = None
        while entries is None and depth:
            depth -= 1
            with suppress(OSError):
                entries = self.entries(parts[:depth])
        if not entries:
            return ""
        names = {entry.parts[-1].lower(): entry.parts for entry in entries}
        wanted = parts[-1].lower()
        same: list[Parts] = []
        with suppress(OSError):
            everything = islice(self.walk((), deep=True), MOST_ENTRIES)
            same = list(islice((entry.parts for entry in everything if entry.parts[-1].lower() == wanted), 3))
        meant = same or [names[name] for name in get_close_matches(parts[depth].lower(), names, n=3)]
        if meant:
            return f"; did you mean {' or '.join(repr(shown(each)) for each in meant)}?"
        listed = ", ".join(each[-1] for each in list(names.values())[:NAMED])
        return f"; {shown(parts[:depth])!r} holds {listed}{', …' if len(names) > NAMED else ''}"


def shown(parts: Parts) -> str:
    """A path as the model sees it: what cannot be printed would break the line or the encoding."""
    path = str(PurePosixPath(*parts))
    return (
        path
        if path.isprintable()
        else "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in path)
    )


def quoted(path: str) -> str:
    return repr(path if len(path) <= 100 else f"{path[:100]}…")  # noqa: PLR2004 - enough to know it by


def kind_of(mode: int) -> Kind:
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISLNK(mode):
        return "link"
    return "file" if stat.S_ISREG(mode) else "special"


def _expect_file(parts: Parts, status: os.stat_result) -> None:
    match kind_of(status.st_mode):
        case "folder":
            raise ToolError(f"{shown(parts)!r} is a folder; see what is in it with list_files")
        case "link":
            raise ToolError(f"{shown(parts)!r} is a link that leads nowhere it may")
        case "special":
            raise ToolError(f"{shown(parts)!r} is a pipe, socket or device, not a file")
