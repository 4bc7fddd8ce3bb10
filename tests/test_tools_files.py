import os
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentkit import ToolError, UsageError
from agentkit_tools import file_tools
from agentkit_tools._folder import Folder
from agentkit_tools.files import FileInfo, _found_apart

SECRET = "the canary sings"


@pytest.fixture
def root(tmp_path):
    """A folder with files of every sort, and a canary outside it."""
    (tmp_path / "canary").write_text(SECRET)
    (tmp_path / "cage").mkdir()
    (tmp_path / "cage" / "canary").write_text(SECRET)
    root = tmp_path / "root"
    (root / "src").mkdir(parents=True)
    (root / "src" / "main.py").write_text("import os\n\ndef main():\n    return 1\n")
    (root / "README.md").write_text("# Title\nhello world\n")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("hello\n")
    return root


@pytest.fixture
def tools(root):
    return {tool.name: tool for tool in file_tools(root, write=True)}


def outside(root):
    """What is beside the folder, with what it holds."""
    return {
        str(path.relative_to(root.parent)): path.read_text() if path.is_file() else None
        for path in sorted(root.parent.rglob("*"))
        if not path.is_relative_to(root)
    }


def refusal(call, *args, **kwargs):
    with pytest.raises(ToolError) as caught:
        call(*args, **kwargs)
    return str(caught.value)


# Which tools there are.


def test_writing_is_asked_for(root):
    """Without write=True there are only tools that read."""
    assert {"list_files": "read", "read_file": "read", "search_files": "read", "file_info": "read"} == {
        tool.name: tool.options.effect for tool in file_tools(root)
    }


def test_effects_are_what_they_are(tools):
    """Writing the same file twice is harmless, editing twice is not."""
    assert ("idempotent", "once") == (tools["write_file"].options.effect, tools["edit_file"].options.effect)


def test_every_argument_is_described(tools):
    """The model is told of each argument what it means."""
    assert all("description" in schema for tool in tools.values() for schema in tool.parameters["properties"].values())


def test_a_missing_root_is_the_developers_error(tmp_path):
    """Tools for a folder that is not there are refused at once."""
    with pytest.raises(UsageError, match="there is no folder"):
        file_tools(tmp_path / "nowhere")


# Listing.


def test_a_listing_shows_folders_sizes_and_links(root, tools):
    """Each entry is on a line, with what it is."""
    (root / "link").symlink_to("README.md")
    os.mkfifo(root / "pipe")

    assert ".git/\nREADME.md (20 bytes)\nlink (link)\npipe (special)\nsrc/" == tools["list_files"]()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"recursive": True, "pattern": "*.py"}, "src/main.py (36 bytes)"),
        ({"pattern": "**/*.py"}, "src/main.py (36 bytes)"),
        ({"pattern": "**/src/**/main.py"}, "src/main.py (36 bytes)"),
        ({"pattern": "s*/*"}, "src/main.py (36 bytes)"),
        ({"pattern": "**"}, ".git/\nREADME.md (20 bytes)\nsrc/\nsrc/main.py (36 bytes)"),
        ({"path": "src"}, "src/main.py (36 bytes)"),
        ({"path": ".git"}, ".git/config (6 bytes)"),
        ({"pattern": ".git/*"}, ".git/config (6 bytes)"),
        ({"pattern": "*.zip"}, "nothing in '.' matches '*.zip'"),
        ({"pattern": "[z-a]"}, "nothing in '.' matches '[z-a]'"),
    ],
)
def test_a_pattern_is_of_names_or_of_paths(tools, arguments, expected):
    """A pattern with a slash is of the path below the folder, and hidden folders must be named."""
    assert expected == tools["list_files"](**arguments)


def test_a_long_listing_is_cut(root, tools):
    """Of many entries the first are shown, and the number of the others."""
    for number in range(350):
        (root / "src" / f"{number:03}").touch()
    lines = tools["list_files"]("src").split("\n")

    assert (301, "[51 more; give a narrower path or pattern]") == (len(lines), lines[-1])


def test_an_empty_folder_is_said_to_be_empty(root, tools):
    """An empty listing is not an empty answer."""
    (root / "new").mkdir()

    assert "'new' is empty" == tools["list_files"]("new")


def test_names_that_break_a_line_are_made_harmless(root, tools):
    """A name cannot pretend to be two, nor break the encoding of the answer."""
    (root / "src" / "a\nb").touch()
    (root / "src" / os.fsdecode(b"\xff")).touch()

    assert "src/a�b (0 bytes)\nsrc/main.py (36 bytes)\nsrc/� (0 bytes)" == tools["list_files"]("src")


# Reading.


def test_a_file_is_read_with_its_lines_named(tools):
    """The first line says which lines follow."""
    assert "[README.md, lines 1-2; the end]\n# Title\nhello world" == tools["read_file"]("README.md")


def test_some_lines_are_read(tools):
    """A part says where the rest begins."""
    assert "[src/main.py, lines 2-3; more follow from start_line=4]\n\ndef main():" == tools["read_file"](
        "src/main.py", 2, 2
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "[f is empty]"),
        (b"caf\xe9\n", "[f, lines 1-1; the end; some of it is not UTF-8]\ncaf�"),
        (b"\xef\xbb\xbfone\r\ntwo", "[f, lines 1-2; the end]\none\ntwo"),
    ],
)
def test_every_text_can_be_shown(root, tools, content, expected):
    """What is not UTF-8 is shown as far as it can be read, and said."""
    (root / "f").write_bytes(content)

    assert expected == tools["read_file"]("f")


def test_long_lines_and_long_files_are_cut(root, tools):
    """A page never holds more than its characters, whatever the lines are like."""
    (root / "wide").write_text("x" * 1_000_000 + "\n" + "short\n")
    (root / "tall").write_text("y" * 1_999 + "\n" + ("y" * 1_999 + "\n") * 500)

    assert f"[wide, lines 1-2; the end]\n{'x' * 2000}… [a line of 1,000,001 bytes]\nshort" == tools["read_file"]("wide")
    assert "[tall, lines 1-13; more follow from start_line=14]" == tools["read_file"]("tall").split("\n")[0]


def test_a_huge_file_is_read_as_far_as_needed(root, tools):
    """Ten gigabytes cost no more than the page, and what is far inside is refused."""
    with (root / "huge").open("wb") as file:
        file.write(b"ab\n" * 5_000)
        file.truncate(10 * 2**30)

    assert "[huge, lines 1-2; more follow from start_line=3]\nab\nab" == tools["read_file"]("huge", lines=2)
    assert "only the first 268,435,456 bytes" in refusal(tools["read_file"], "huge", 10**9)


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("main.py", "there is no 'main.py'; did you mean 'src/main.py'?"),
        ("readme.md", "did you mean 'README.md'?"),
        ("scr/main.py", "did you mean 'src/main.py'?"),
        ("src/zzz", "there is no 'src/zzz'; 'src' holds main.py"),
        ("README.md/x", "a part of it is no folder"),
        ("src", "'src' is a folder; see what is in it with list_files"),
        ("", "is a folder"),
        ("x" * 300, "File name too long"),
        ("/etc/passwd", "is an absolute path"),
        ("a\0b", "it has a null character"),
        ("\ud800", "is no path"),
        ("../canary", "leads outside the folder"),
        ("src/../../canary", "leads outside the folder"),
        ("../root-beside/x", "leads outside the folder"),
    ],
)
def test_what_cannot_be_read_is_told_with_what_is_there(tools, path, part):
    """A path that is wrong is a ToolError that names what may have been meant."""
    assert part in refusal(tools["read_file"], path)


def test_lines_are_counted_from_one(tools):
    """Lines that cannot be are refused, and the number there are is told."""
    assert "count from 1" in refusal(tools["read_file"], "README.md", 0)
    assert "'README.md' has 2 lines; start_line is 9" == refusal(tools["read_file"], "README.md", 9)


def test_binary_files_are_named_and_not_shown(root, tools):
    """A file with null bytes is told by its size."""
    (root / "image").write_bytes(b"\x89PNG\0\0")

    assert "'image' is a binary file of 6 bytes; it cannot be shown as text" == refusal(tools["read_file"], "image")
    assert "'image' is a binary file; it cannot be edited as text" == refusal(tools["edit_file"], "image", "a", "b")


def test_pipes_sockets_and_devices_are_refused_at_once(root, tools):
    """What is no file is neither opened nor waited for."""
    os.mkfifo(root / "pipe")
    started = time.monotonic()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(root / "socket"))
        for name in ("pipe", "socket"):
            assert "is a pipe, socket or device" in refusal(tools["read_file"], name)
            assert "is a pipe, socket or device" in refusal(tools["write_file"], name, "x", overwrite=True)
            assert "special" == tools["file_info"](name).kind
        assert "no line has 'q' in the 2 text files looked at" == tools["search_files"]("q")
    assert time.monotonic() - started < 5


def test_the_info_of_a_path_says_what_it_is(root, tools):
    """Texts have lines, binary files have not, and folders have neither lines nor size."""
    (root / "image").write_bytes(b"\0")
    for name in ("README.md", "image", "src"):
        os.utime(root / name, (0, 0))
    modified = "1970-01-01T00:00:00+00:00"

    assert FileInfo("README.md", "text", 20, 2, modified) == tools["file_info"]("README.md")
    assert FileInfo("image", "binary", 1, None, modified) == tools["file_info"]("image")
    assert FileInfo("src", "folder", None, None, modified) == tools["file_info"]("src")


# Searching.


def test_a_search_gives_path_line_and_text(tools):
    """Each line found is told with its place; hidden folders are passed over."""
    assert "README.md:2: hello world" == tools["search_files"]("hello")
    assert ".git/config:1: hello" == tools["search_files"]("hello", ".git")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"text": "HELLO", "ignore_case": True}, "README.md:2: hello world"),
        ({"text": "HELLO"}, "no line has 'HELLO' in the 2 text files looked at"),
        ({"text": "import", "pattern": "*.py"}, "src/main.py:1: import os"),
        ({"text": "import", "path": "src/main.py"}, "src/main.py:1: import os"),
        ({"text": r"def \w+\(", "regex": True}, "src/main.py:3: def main():"),
        ({"text": "MAIN", "regex": True, "ignore_case": True}, "src/main.py:3: def main():"),
        ({"text": "main()"}, "src/main.py:3: def main():"),
        ({"text": "\ud800", "regex": True}, r"no line has '\ud800' in the 2 text files looked at"),
    ],
)
def test_a_search_is_for_text_or_an_expression(tools, arguments, expected):
    """Text is taken as it is, unless it is said to be a regular expression."""
    assert expected == tools["search_files"](**arguments)


def test_a_search_is_bounded(root, tools):
    """Of many lines the first are shown, each shortened around what was found."""
    (root / "many").write_text("z" * 500 + "needle" + "z" * 500 + "\n" + "needle\n" * 200)
    lines = tools["search_files"]("needle").split("\n")

    assert (101, "[more than 100 lines; search for something rarer, or in fewer files]") == (len(lines), lines[-1])
    assert f"many:1: …{'z' * 50}needle{'z' * 144}…" == lines[0]


def test_what_was_not_searched_is_said(root, tools):
    """A file searched in part is no silent omission."""
    (root / "large").write_bytes(b"x" * (8 * 2**20 + 1) + b"needle")

    assert "no line has 'needle' in the 3 text files looked at\n[not everything was searched" in tools["search_files"](
        "needle"
    )


def test_an_expression_that_would_never_end_is_stopped():
    """Backtracking without end costs the time allowed, and not the process."""
    with pytest.raises(ToolError, match=r"takes longer than 0\.5 s"):
        _found_apart(["a" * 40], "(a+)+b", ignore_case=False, seconds=0.5)


def test_what_is_no_expression_is_told(tools):
    """A regular expression that is wrong is a ToolError with its reason; so is an empty text."""
    assert "'(' is no regular expression: missing )" in refusal(tools["search_files"], "(", regex=True)
    assert "is empty" in refusal(tools["search_files"], "")


def test_a_pattern_with_many_stars_takes_no_time(root, tools):
    """No pattern is tried in more ways than it has parts."""
    deep = root.joinpath(*["d"] * 30)
    deep.mkdir(parents=True)
    started = time.monotonic()

    assert "nothing in '.'" in tools["list_files"](".", "**/" * 30 + "*a*a*a*a*a*b")
    assert time.monotonic() - started < 2


# Writing.


def test_a_file_is_written_with_its_folders(root, tools):
    """Missing folders are made, and no other file is left behind."""
    assert "wrote 'new/deep/a.txt': 2 lines, 8 bytes" == tools["write_file"]("new/deep/a.txt", "one\ntwo\n")
    assert {"a.txt": "one\ntwo\n"} == {path.name: path.read_text() for path in (root / "new/deep").iterdir()}


def test_a_file_is_replaced_only_if_asked(root, tools):
    """What is there stays, unless overwrite is true; the permissions stay in any case."""
    (root / "README.md").chmod(0o750)

    assert "'README.md' is there already" in refusal(tools["write_file"], "README.md", "new")
    assert "replaced 'README.md': 1 lines, 3 bytes" == tools["write_file"]("README.md", "new", overwrite=True)
    assert ("new", 0o100750) == ((root / "README.md").read_text(), (root / "README.md").stat().st_mode)


def test_writing_again_what_is_there_is_no_error(tools):
    """A write repeated after a crash succeeds, as an idempotent tool must."""
    tools["write_file"]("a.txt", "one\n")

    assert "'a.txt' already holds exactly that" == tools["write_file"]("a.txt", "one\n")


@pytest.mark.parametrize(
    ("path", "content", "part"),
    [
        (".", "x", "is a folder"),
        ("src", "x", "is a folder"),
        ("new/", "x", "is a folder"),
        ("README.md/x", "x", "a part of it is no folder"),
        ("../new", "x", "leads outside the folder"),
        ("/tmp/new", "x", "is an absolute path"),
        ("new", "\ud800", "character 1 of the text cannot be written as UTF-8"),
        ("x" * 300, "x", "File name too long"),
    ],
)
def test_what_cannot_be_written_is_told(root, tools, path, content, part):
    """A write that is refused changes nothing."""
    before = sorted(path.name for path in root.rglob("*"))

    assert part in refusal(tools["write_file"], path, content, overwrite=True)
    assert before == sorted(path.name for path in root.rglob("*"))


def test_a_passage_is_replaced(root, tools):
    """The one passage is replaced, and nothing around it."""
    assert "edited 'src/main.py' at line 4" == tools["edit_file"]("src/main.py", "    return 1\n", "    return 2\n")
    assert "import os\n\ndef main():\n    return 2\n" == (root / "src/main.py").read_text()


def test_a_passage_must_be_the_only_one(root, tools):
    """A passage that is there twice, overlapping or not, is refused with its lines."""
    (root / "f").write_text("one\ntwo\none\naaa\n")

    assert "more than once, on lines 1, 3;" in refusal(tools["edit_file"], "f", "one", "x")
    assert "more than once, on lines 4, 4;" in refusal(tools["edit_file"], "f", "aa", "x")
    assert "one\ntwo\none\naaa\n" == (root / "f").read_text()


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("def main():\n  return 1", "x", "its first line is on line 3"),
        ("nowhere", "x", "read the file again and copy the passage exactly"),
        ("", "x", "old is empty"),
        ("os", "os", "old and new are the same"),
    ],
)
def test_a_passage_that_is_not_there_is_told(tools, old, new, part):
    """The nearest place is named where there is one."""
    assert part in refusal(tools["edit_file"], "src/main.py", old, new)


def test_windows_line_ends_are_kept(root, tools):
    """Line ends that the model was not shown match, and those it writes become the file's."""
    (root / "f").write_bytes(b"one\r\ntwo\r\n")
    tools["edit_file"]("f", "one\ntwo", "1\n2")

    assert b"1\r\n2\r\n" == (root / "f").read_bytes()


def test_what_editing_would_damage_is_not_edited(root, tools):
    """A file that is not UTF-8 or too long to hold stays as it is."""
    (root / "latin").write_bytes(b"caf\xe9 x")
    (root / "large").write_bytes(b"x" + b"y" * 8 * 2**20)

    assert "not in UTF-8" in refusal(tools["edit_file"], "latin", "x", "z")
    assert "too long to edit" in refusal(tools["edit_file"], "large", "x", "z")


# The fence.


def test_links_work_inside_and_never_outside(root, tools):
    """A link is what it points to, and one that points outside is refused in every tool."""
    (root / "in.py").symlink_to("src/main.py")
    (root / "out").symlink_to(root.parent / "canary")
    (root / "outdir").symlink_to(root.parent / "cage")
    (root / "loop").symlink_to("loop")
    before = outside(root)

    assert "[src/main.py, lines 1-1;" in tools["read_file"]("in.py", 1, 1)
    for path in ("out", "outdir/canary"):
        assert "leads outside" in refusal(tools["read_file"], path)
        assert "leads outside" in refusal(tools["file_info"], path)
        assert "leads outside" in refusal(tools["search_files"], "canary", path)
        assert "leads outside" in refusal(tools["write_file"], path, "x", overwrite=True)
        assert "leads outside" in refusal(tools["edit_file"], path, "canary", "x")
    assert "leads outside" in refusal(tools["list_files"], "outdir")
    assert "link that leads nowhere" in refusal(tools["read_file"], "loop")
    assert SECRET not in tools["search_files"](SECRET[:5])
    assert before == outside(root)


def test_a_link_put_in_place_after_the_check_fails_to_open(root):
    """The parts of a checked path are opened one by one, and none may be a link by then."""
    folder = Folder.at(root)
    (root / "src" / "main.py").unlink()
    (root / "src" / "main.py").symlink_to(root.parent / "canary")
    (root / "outdir").symlink_to(root.parent / "cage")
    before = outside(root)

    with pytest.raises(ToolError, match="is a link"), folder.opened(("src", "main.py")):
        pass
    with pytest.raises(OSError, match="Not a directory"), folder.opened(("outdir", "canary")):
        pass
    with pytest.raises(OSError, match="Not a directory"):
        folder.write(("outdir", "new"), b"x")
    with pytest.raises(OSError, match="Not a directory"):
        folder.entries(("outdir",))
    with pytest.raises(ToolError, match="is a link"):
        folder.write(("src", "main.py"), b"x")
    assert before == outside(root)


def test_no_descriptor_is_left_open(tools):
    """Calls that succeed and calls that fail close what they opened."""
    before = len(list(Path("/dev/fd").iterdir()))
    for path in ("README.md", "src/main.py", "src", "nowhere", "README.md/x", "../canary"):
        with suppress(ToolError):
            tools["read_file"](path)

    assert before == len(list(Path("/dev/fd").iterdir()))


PARTS = st.sampled_from(
    [
        "..",
        ".",
        "",
        "src",
        "main.py",
        "canary",
        "cage",
        "root",
        "outdir",
        "out",
        "inner",
        "~",
        "\0",
        "/",
        "etc",
        "passwd",
    ]
)
PATHS = st.one_of(st.text(), st.lists(st.one_of(PARTS, st.text(max_size=3)), max_size=8).map("/".join))


@given(path=PATHS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_path_leads_outside(root, tools, path):
    """Whatever the path, nothing outside is shown, written or made, and only ToolError is raised."""
    for name, target in (("out", "canary"), ("outdir", "cage"), ("inner", "root/src")):
        if not (root / name).is_symlink():
            (root / name).symlink_to(root.parent / target)
    before = outside(root)
    calls = [
        lambda: tools["read_file"](path),
        lambda: tools["search_files"]("canary sings", path),
        lambda: tools["list_files"](path),
        lambda: tools["file_info"](path),
        lambda: tools["write_file"](path, "written", overwrite=True),
        lambda: tools["edit_file"](path, "canary", "dog"),
    ]
    for call in calls:
        try:
            answer = str(call())
        except ToolError as error:
            answer = str(error)
        assert SECRET not in answer
    assert before == outside(root)
