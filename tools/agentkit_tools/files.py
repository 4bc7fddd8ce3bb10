"""The files of one folder as tools; nothing outside it is read or written.

Reading is bounded, binary files are named instead of shown, and nothing is deleted.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import BinaryIO, Literal

from agentkit import Tool, ToolError, tool
from agentkit_tools import _matcher
from agentkit_tools._folder import MOST_ENTRIES, Entry, Folder, Parts, kind_of, quoted, shown

LISTED = 300
"""Entries of a listing that are shown."""
FOUND = 100
"""Lines of a search that are shown."""
READ_CHARS = 24_000
"""Characters of a file that are shown at once."""
LINE_CHARS = 2_000
"""Characters of a line that are shown."""
READ_BYTES = 256 * 2**20
"""How far into a file is read."""
WHOLE_BYTES = 8 * 2**20
"""Of one file: what is searched, counted or edited."""
SEARCHED_BYTES = 64 * 2**20
"""Of all files of a search."""
REGEX_SECONDS = 10
SAMPLE = 8192
"""Bytes in which a binary file shows that it is one."""


@dataclass(frozen=True, slots=True)
class FileInfo:
    """What is known of a file or folder."""

    path: str
    kind: Literal["text", "binary", "folder", "special"]
    bytes: int | None
    lines: int | None
    """Of a text that is not too long to count them."""
    modified: str


def file_tools(root: str | os.PathLike[str], *, write: bool = False) -> list[Tool[..., object]]:
    """Tools for the files of one folder: list_files, read_file, search_files, file_info; to write, write_file, edit_file.

    Args:
        root: The folder; paths are relative to it, and lead nowhere else.
        write: Whether files may be written and edited.

    Raises:
        UsageError: There is no such folder, or the operating system cannot keep to it.
    """
    files = _Files(Folder.at(root))
    reading: list[Callable[..., object]] = [files.list_files, files.read_file, files.search_files, files.file_info]
    # Written twice it is the same file; edited twice it may not be.
    writing: list[Callable[..., object]] = [files.write_file] if write else []
    editing: list[Callable[..., object]] = [files.edit_file] if write else []
    return [
        *(tool(each, effect="read") for each in reading),
        *(tool(each, effect="idempotent") for each in writing),
        *(tool(each, effect="once") for each in editing),
    ]


@dataclass(frozen=True, slots=True)
class _Files:
    folder: Folder

    def list_files(self, path: str = ".", pattern: str = "*", *, recursive: bool = False) -> str:
        """List the files and folders in a folder; folders end with "/".

        Folders whose names start with a dot are not entered, unless the path or pattern names them.

        Args:
            path: The folder, relative to the working folder.
            pattern: Which names, as "*.py"; with "/" it is of the path below the folder, as "src/**/*.py".
            recursive: Whether to list the folders below as well.
        """
        start = self.folder.inside(path)
        with self.folder.explaining(path, start):
            entries, more = self._matching(start, pattern, deep=recursive)
        lines = [_listed(entry) for entry in entries[:LISTED]]
        if not lines:
            return (
                f"nothing in {quoted(path)} matches {quoted(pattern)}" if pattern != "*" else f"{quoted(path)} is empty"
            )
        if more or len(entries) > LISTED:
            lines.append(f"[{len(entries) - len(lines):,}{'+' if more else ''} more; give a narrower path or pattern]")
        return "\n".join(lines)

    def read_file(self, path: str, start_line: int = 1, lines: int = 500) -> str:
        """Read a text file, or some of its lines. A first line in brackets says which lines are shown.

        Args:
            path: The file, relative to the working folder.
            start_line: The first line to read, counted from 1.
            lines: How many lines to read at most.
        """
        if start_line < 1 or lines < 1:
            raise ToolError("start_line and lines count from 1")
        parts = self.folder.inside(path)
        with self.folder.explaining(path, parts), self.folder.opened(parts) as file:
            if _is_binary(file):
                raise ToolError(
                    f"{quoted(path)} is a binary file of {os.fstat(file.fileno()).st_size:,} bytes; it cannot be shown as text"
                )
            return _Page.read(file, start_line, lines).told(shown(parts), start_line)

    def search_files(
        self, text: str, path: str = ".", pattern: str = "*", *, regex: bool = False, ignore_case: bool = False
    ) -> str:
        """Find lines in the text files of a folder and the folders below it, as "path:line: text".

        Binary files, links and hidden folders are passed over.

        Args:
            text: What the line holds.
            path: The folder or the one file to search, relative to the working folder.
            pattern: Which files, as "*.py"; with "/" it is of the path below the folder, as "src/**/*.py".
            regex: Whether the text is a Python regular expression.
            ignore_case: Whether large and small letters are the same.
        """
        if not text:
            raise ToolError("the text to search for is empty")
        start = self.folder.inside(path)
        with self.folder.explaining(path, start):
            entries, more = self._searched(start, pattern)
        documents = _Documents(self.folder, entries)
        if regex:
            hits = _found_apart(list(documents.texts()), text, ignore_case=ignore_case)
        else:
            hits = _matcher.find(
                documents.texts(), _matcher.compiled(re.escape(text), ignore_case=ignore_case), FOUND + 1
            )
        lines = [f"{shown(documents.read[index])}:{number}: {line}" for index, number, line in hits[:FOUND]]
        lines = lines or [f"no line has {quoted(text)} in the {len(documents.read):,} text files looked at"]
        if len(hits) > FOUND:
            lines.append(f"[more than {FOUND} lines; search for something rarer, or in fewer files]")
        if more or documents.partly:
            lines.append("[not everything was searched: too many or too large files; give a narrower path or pattern]")
        return "\n".join(lines)

    def file_info(self, path: str) -> FileInfo:
        """Tell what a path is: a text, a binary file or a folder, how large, and when it was changed (UTC).

        Args:
            path: The file or folder, relative to the working folder.
        """
        parts = self.folder.inside(path)
        with self.folder.explaining(path, parts):
            status = self.folder.status(parts)
            modified = datetime.fromtimestamp(int(status.st_mtime), UTC).isoformat()
            kind = kind_of(status.st_mode)
            if kind != "file":
                return FileInfo(shown(parts), "folder" if kind == "folder" else "special", None, None, modified)
            with self.folder.opened(parts) as file:
                binary = _is_binary(file)
                countable = not binary and status.st_size <= WHOLE_BYTES
                count = sum(1 for _ in file) if countable else None
        return FileInfo(shown(parts), "binary" if binary else "text", status.st_size, count, modified)

    def write_file(self, path: str, content: str, *, overwrite: bool = False) -> str:
        """Write a text file, making the folders on its path. To change a part of a file use edit_file.

        Args:
            path: The file, relative to the working folder.
            content: The whole text of the file.
            overwrite: Whether a file that is there may be replaced; otherwise that is refused.
        """
        parts = self.folder.inside(path)
        if not parts or path.endswith("/"):
            raise ToolError(f"{quoted(path)} is a folder; give the path of a file in it")
        data = _encoded(content)
        with self.folder.explaining(path, parts):
            there = self.folder.exists(parts)
            if there and not overwrite and self._holds(parts, data):
                return f"{shown(parts)!r} already holds exactly that"
            if there and not overwrite:
                raise ToolError(
                    f"{shown(parts)!r} is there already; change it with edit_file, or replace it with overwrite=true"
                )
            self.folder.write(parts, data)
        return f"{'replaced' if there else 'wrote'} {shown(parts)!r}: {len(content.splitlines()):,} lines, {len(data):,} bytes"

    def edit_file(self, path: str, old: str, new: str) -> str:
        """Replace one passage of a text file. The passage must be in the file exactly once.

        Args:
            path: The file, relative to the working folder.
            old: The passage as it stands in the file, with every space and line end; long enough to be the only one.
            new: What takes its place; empty to remove the passage.
        """
        if not old or old == new:
            raise ToolError("old is empty; give the passage to replace" if not old else "old and new are the same")
        parts = self.folder.inside(path)
        with self.folder.explaining(path, parts):
            text = self._editable(path, parts)
            if "\r\n" in text and "\n" not in text.replace("\r\n", ""):
                # read_file shows no carriage returns, so the model leaves them out.
                old, new = (each.replace("\r\n", "\n").replace("\n", "\r\n") for each in (old, new))
            at = _only_place(text, old, shown(parts))
            self.folder.write(parts, _encoded(text[:at] + new + text[at + len(old) :]))
        return f"edited {shown(parts)!r} at line {text.count(chr(10), 0, at) + 1}"

    def _matching(self, start: Parts, pattern: str, *, deep: bool) -> tuple[list[Entry], bool]:
        """The entries that match, and whether there were too many to look at all."""
        wanted = pattern.split("/")
        along = len(wanted) > 1 or "**" in wanted
        hidden = any(part.startswith(".") for part in wanted)
        found: list[Entry] = []
        for looked, entry in enumerate(self.folder.walk(start, deep=deep or along, hidden=hidden)):
            if looked == MOST_ENTRIES:
                return found, True
            below = entry.parts[len(start) :]
            if _leads_to(wanted, below) if along else fnmatchcase(below[-1], pattern):
                found.append(entry)
        return found, False

    def _searched(self, start: Parts, pattern: str) -> tuple[list[Entry], bool]:
        status = self.folder.status(start)
        if kind_of(status.st_mode) != "folder":
            return [Entry(start, "file", status.st_size)], False
        entries, more = self._matching(start, pattern, deep=True)
        return [entry for entry in entries if entry.kind == "file"], more

    def _holds(self, parts: Parts, data: bytes) -> bool:
        with self.folder.opened(parts) as file:
            return file.read(len(data) + 1) == data

    def _editable(self, path: str, parts: Parts) -> str:
        with self.folder.opened(parts) as file:
            if _is_binary(file):
                raise ToolError(f"{quoted(path)} is a binary file; it cannot be edited as text")
            data = file.read(WHOLE_BYTES + 1)
        if len(data) > WHOLE_BYTES:
            raise ToolError(f"{quoted(path)} is longer than {WHOLE_BYTES:,} bytes, which is too long to edit here")
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise ToolError(f"{quoted(path)} is not in UTF-8; editing it as text would damage it") from None


def _listed(entry: Entry) -> str:
    match entry.kind:
        case "file":
            return f"{shown(entry.parts)} ({entry.size:,} bytes)"
        case "folder":
            return f"{shown(entry.parts)}/"
    return f"{shown(entry.parts)} ({entry.kind})"


def _leads_to(pattern: list[str], parts: Parts) -> bool:
    """Whether a path matches; `**` is any number of folders.  Keeps all places the pattern may be at, so nothing is tried twice."""

    def with_skipped(places: set[int]) -> set[int]:
        reached = set(places)
        for place in sorted(places):
            beyond = place
            while beyond < len(pattern) and pattern[beyond] == "**":
                beyond += 1
                reached.add(beyond)
        return reached

    places = with_skipped({0})
    for part in parts:
        stays = {place for place in places if place < len(pattern) and pattern[place] == "**"}
        moves = {place + 1 for place in places - stays if place < len(pattern) and fnmatchcase(part, pattern[place])}
        places = with_skipped(stays | moves)
    return len(pattern) in places


# Reading.


@dataclass(frozen=True, slots=True)
class _Page:
    """Some lines of a file."""

    lines: list[str]
    last: int
    """The number of the last line shown; of the last line there is if none is."""
    more: bool

    @classmethod
    def read(cls, file: BinaryIO, start: int, most: int) -> "_Page":
        lines: list[str] = []
        chars = number = 0
        for number, line in enumerate(_lines(file), 1):
            if number < start:
                continue
            if len(lines) == most or chars > READ_CHARS:
                return cls(lines, number - 1, more=True)
            lines.append(line)
            chars += len(line)
        return cls(lines, number, more=False)

    def told(self, path: str, start: int) -> str:
        if not self.last:
            return f"[{path} is empty]"
        if not self.lines:
            raise ToolError(f"{path!r} has {self.last:,} lines; start_line is {start:,}")
        rest = f"more follow from start_line={self.last + 1}" if self.more else "the end"
        note = "; some of it is not UTF-8" if any("\N{REPLACEMENT CHARACTER}" in line for line in self.lines) else ""
        return "\n".join([f"[{path}, lines {start}-{self.last}; {rest}{note}]", *self.lines])


def _lines(file: BinaryIO) -> Iterator[str]:
    """The lines, each shortened, however long it is."""
    while start := file.readline(LINE_CHARS * 4):
        length, part = len(start), start
        while not part.endswith(b"\n") and (part := file.readline(READ_BYTES // 16)):
            length += len(part)
            _expect_near(file)
        _expect_near(file)
        text = start.decode("utf-8-sig", "replace").rstrip("\r\n")
        cut = text[:LINE_CHARS]
        yield text if cut == text and length == len(start) else f"{cut}… [a line of {length:,} bytes]"


def _expect_near(file: BinaryIO) -> None:
    if file.tell() > READ_BYTES:
        raise ToolError(f"only the first {READ_BYTES:,} bytes of a file are read, and those lines are further on")


def _is_binary(file: BinaryIO) -> bool:
    sample = file.read(SAMPLE)
    file.seek(0)
    return b"\0" in sample


# Searching.


class _Documents:
    """The texts of files, read one after another as far as the budget goes."""

    def __init__(self, folder: Folder, entries: list[Entry]) -> None:
        self._folder = folder
        self._entries = entries
        self.read: list[Parts] = []
        self.partly = False

    def texts(self) -> Iterator[str]:
        left = SEARCHED_BYTES
        for entry in self._entries:
            try:
                with self._folder.opened(entry.parts) as file:
                    data = file.read(WHOLE_BYTES)
            except (OSError, ToolError):
                # Gone, forbidden or no file any more: the search is of what can be read.
                continue
            if b"\0" in data[:SAMPLE]:
                continue
            if len(data) > left:
                self.partly = True
                return
            left -= len(data)
            self.partly = self.partly or len(data) == WHOLE_BYTES
            self.read.append(entry.parts)
            yield data.decode("utf-8", "replace")


def _found_apart(
    texts: list[str], pattern: str, *, ignore_case: bool, seconds: float = REGEX_SECONDS
) -> list[_matcher.Hit]:
    """Search for a regular expression in a process that can be stopped."""
    asked = json.dumps({"texts": texts, "pattern": pattern, "ignore_case": ignore_case, "most": FOUND + 1})
    command = [sys.executable, "-I", "-S", "-W", "ignore", _matcher.__file__]
    try:
        done = subprocess.run(command, input=asked, capture_output=True, check=True, text=True, timeout=seconds)  # noqa: S603 - nothing of the command is the model's
    except subprocess.TimeoutExpired:
        raise ToolError(
            f"the expression takes longer than {seconds:g} s; write it without nested repeats, or search for plain text"
        ) from None
    except (OSError, subprocess.CalledProcessError):
        raise ToolError("regular expressions cannot be searched for here; search for plain text") from None
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise ToolError(f"{quoted(pattern)} is no regular expression: {answer['error']}")
    return [(index, number, line) for index, number, line in answer["hits"]]


# Editing.


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ToolError(f"character {error.start + 1} of the text cannot be written as UTF-8") from None


def _only_place(text: str, passage: str, path: str) -> int:
    places: list[int] = []
    at = text.find(passage)
    while at >= 0 and len(places) < 5:  # noqa: PLR2004 - enough to show that there are too many
        places.append(at)
        at = text.find(passage, at + 1)
    if len(places) == 1:
        return places[0]
    lines = [text.count("\n", 0, place) + 1 for place in places]
    if places:
        raise ToolError(
            f"the passage is in {path!r} more than once, on lines {', '.join(map(str, lines))}; give more of what is around it"
        )
    first = next(filter(None, map(str.strip, passage.splitlines())), "")
    near = next((number for number, line in enumerate(text.splitlines(), 1) if first and first in line), None)
    hint = (
        f"; its first line is on line {near}, so compare the spaces and what follows"
        if near
        else "; read the file again and copy the passage exactly"
    )
    raise ToolError(f"the passage is not in {path!r}{hint}")
