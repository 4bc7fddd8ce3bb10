"""The house: who may import whom, what is public, and what an import costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import agentkit

ROOT = Path(__file__).parent.parent
PACKAGE = Path(agentkit.__file__).parent

# From the ground up: a module may import those in the lines above its own, and those before it in its own line.
FLOORS = """
messages errors secrets arguments
schema.docstrings schema.shapes schema.wording schema.callables schema.fields schema.refusals schema.signature
schema.unions schema.translation schema.sizes schema.dialects schema.outputs
limits timeouts events clock tasks approvals journal codec listing
context model fingerprint endpoint lanes workers repeats prompt_cache prices bill
retry turns rates forms prompted
loop history
tools
results toolbox definition doubt people
audience record answers asking drive result watch
sqlite.process sqlite.file sqlite.writer sqlite.rows sqlite.search sqlite.journal sqlite.state
chat.sse chat.reading chat.usage chat.waits chat.errors chat.deadline chat.credentials chat.connection
chat.profiles chat.providers chat.parameters chat.thought chat.growing chat.tags chat.calls chat.assemble
chat.repairs chat.entries chat.encode chat.receive chat.chat
probe.findings probe.asking probe.reply_questions probe.tool_questions probe.reasoning_questions probe.format_questions probe.probe
beginning resumption agent
observers.plain observers.pages observers.lines observers.log observers.console logs
debug.outline debug.words debug.page debug.step debug.anomaly debug.odd_calls debug.odd_replies debug.anomalies debug.story debug.facts debug.aspects debug.changes debug.diff debug.contrast
debug.scrubbed debug.recording debug.held debug.replay debug.fork debug.export debug.sent debug.wire
otel.names otel.values otel.content otel.facts otel.effects otel.spans otel.export otel.metrics otel.observer
viewer.texts viewer.contents viewer.calls viewer.growth viewer.steps viewer.bars viewer.offers viewer.told viewer.detail viewer.versus viewer.glance viewer.reading viewer.rows
viewer.bundle viewer.alone viewer.api viewer.live viewer.guard viewer.app viewer.server
testing.clock testing.scripted testing.encoding testing.exchange testing.strict testing.faults testing.server testing.local
testing.tape testing.deck testing.taped testing.cassette testing.written
cli.ask cli.origin cli.targets testing.target cli.journal cli.run cli.runs cli.following cli.tail cli.show cli.resume cli.fork cli.otel cli.export cli.shop cli.local cli.chat cli.schema cli.call cli.probe cli.demo cli.deeds cli.ui
"""

PLACES = {name: place for place, name in enumerate(FLOORS.split())}


def modules() -> dict[str, Path]:
    """Every module of the package by its name, packages by theirs."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


def imports(path: Path) -> set[str]:
    """The modules of the package that a file imports, wherever in the file it does."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("agentkit."):
            names.add(str(node.module).removeprefix("agentkit."))
        elif isinstance(node, ast.Import):
            names |= {
                alias.name.removeprefix("agentkit.") for alias in node.names if alias.name.startswith("agentkit.")
            }
    return names


@pytest.mark.parametrize("name", sorted(PLACES))
def test_imports_point_down(name):
    """A module knows only those below it, so that a change above cannot reach it."""
    upward = {each for each in imports(modules()[name]) if each in PLACES and PLACES[each] >= PLACES[name]}

    assert set() == upward


def test_every_module_has_its_place():
    """The table of the house is whole."""
    packages = {
        "__init__",
        "schema",
        "chat",
        "probe",
        "observers",
        "debug",
        "testing",
        "cli",
        "sqlite",
        "otel",
        "viewer",
        "__main__",
    }

    assert set(modules()) - packages == set(PLACES)


def test_the_loop_is_pure():
    """The heart imports nothing from outside but dataclasses, typing and collections."""
    outside = set()
    for node in ast.walk(ast.parse((PACKAGE / "loop.py").read_text())):
        if isinstance(node, ast.Import):
            outside |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            outside.add(str(node.module))

    assert {"dataclasses", "typing", "collections.abc"} == {name for name in outside if not name.startswith("agentkit")}


def test_all_is_what_can_be_imported():
    """`__all__` names what the package has, in order, and nothing public is missing from it."""
    public = {
        name
        for name, value in vars(agentkit).items()
        if not name.startswith("_")
        and getattr(value, "__module__", "").startswith("agentkit.")
        and name != "annotations"
    }

    assert sorted(agentkit.__all__) == agentkit.__all__
    assert public <= set(agentkit.__all__)
    assert all(hasattr(agentkit, name) for name in agentkit.__all__)


def test_import_is_light_and_silent():
    """`import agentkit` loads no terminal, no command, no server, no log, and prints nothing."""
    heavy = (
        "httpx",
        "rich",
        "click",
        "structlog",
        "starlette",
        "uvicorn",
        "sqlite3",
        "agentkit.cli",
        "agentkit.testing",
        "agentkit_tools",
        "xllamacpp",
        "opentelemetry",
    )
    code = f"import agentkit, sys; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)

    assert ("[]\n", "") == (done.stdout, done.stderr)


def test_a_command_loads_what_it_needs_and_no_more():
    """Who looks at runs waits for no client, no server and none of the tools of other commands."""
    foreign = ("httpx", "structlog", "starlette", "uvicorn", "agentkit.testing", "agentkit_tools", "agentkit.cli.run")
    code = (
        "import atexit, sys; from agentkit.cli import main; sys.argv = ['agentkit', 'runs', '--help']; "
        f"atexit.register(lambda: print([name for name in {foreign!r} if name in sys.modules])); main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.splitlines()[-1]


def test_the_tools_use_public_names_only():
    """`agentkit_tools` is written as any user's tools are."""
    import agentkit_tools  # noqa: PLC0415

    for path in Path(agentkit_tools.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("agentkit"):
                assert node.module in {"agentkit"} or str(node.module).startswith("agentkit_tools")


@pytest.mark.parametrize("path", sorted((ROOT / "tests").glob("test_*.py")), ids=lambda path: path.stem)
def test_every_test_says_what_it_shows(path):
    """A test's docstring states a behaviour."""
    silent = [
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]

    assert [] == silent


def test_every_public_name_is_explained():
    """Each public name has a docstring and a line in the documents."""
    pages = "\n".join(path.read_text() for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
    unexplained = [
        # A type alias carries no docstring of its own.
        name
        for name in agentkit.__all__
        if name not in pages or not (getattr(agentkit, name).__doc__ or name == "Observer")
    ]

    assert [] == unexplained


def test_only_the_table_of_providers_knows_their_names():
    """A provider's name stands in the table and in nothing that runs."""
    names = (
        "doubao",
        "deepseek",
        "kimi",
        "moonshot",
        "dashscope",
        "minimax",
        "openrouter",
        "mistral",
        "groq",
        "ollama",
        "vllm",
    )
    for name, path in modules().items():
        if name.startswith(("cli", "testing", "chat.providers")) or "dialects" in name:
            continue
        strings = [
            node.value.lower()
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 40
        ]
        assert not [text for text in strings if text.startswith(names)], name
