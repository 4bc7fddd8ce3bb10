"""The port that runs tools, and the one that runs functions.

A call is checked before anything happens.  Whatever is wrong with it, or goes wrong in the tool, becomes a result
that says what was expected, so that the model can mend its call.
"""

import asyncio
import difflib
import inspect
import logging
import re
import traceback
from collections.abc import AsyncIterator, Callable, Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pydantic import JsonValue

from agentkit.arguments import ArgumentsUnreadable, read_arguments
from agentkit.clock import Clock, SystemClock
from agentkit.context import Context
from agentkit.errors import JournalError, ToolError
from agentkit.limits import Limits
from agentkit.messages import Text, ToolCall, ToolResult, text_of
from agentkit.results import content_of, cut
from agentkit.schema.dialects import drop_nulls
from agentkit.schema.signature import ArgumentsRefused, Bound
from agentkit.secrets import scrub
from agentkit.tasks import TimeIsUp, within
from agentkit.tools import Kind, Tool, Toolable, as_tool, named
from agentkit.workers import Workers

AnyTool = Tool[..., object]

log = logging.getLogger("agentkit")

ERROR_CHARS = 600
"""Characters of an exception's text that the model is told."""

TRACE_LINES = 8
"""Calls of a tool's own code that are kept for people when it raised."""

_PACKAGE = str(Path(__file__).parent)


@dataclass(frozen=True, slots=True)
class Ready:
    """A call whose tool is known and whose arguments fit."""

    tool: AnyTool
    call: ToolCall
    bound: Bound
    arguments: Mapping[str, JsonValue]
    repair: str | None = None


@runtime_checkable
class Toolbox(Protocol):
    """Whoever runs tools.  Wrap one to change how they run."""

    def offer(self, context: Context[object]) -> Mapping[str, AnyTool]:
        """The tools of the next step, by name."""
        ...

    async def call(self, ready: Ready, context: Context[object], limits: Limits) -> ToolResult:
        """Make a call; an exception of the tool is a failed result, not an exception."""
        ...


# What a caller hands in as deps is known to the function that reads it, and to nobody in between.
Tools = Iterable[Toolable] | Callable[[Context[Any]], Iterable[Toolable]]
"""The tools of an agent, or a function that says before each step which there are."""


class FunctionToolbox:
    """Runs functions: async ones in the event loop, plain ones in threads."""

    def __init__(self, tools: Tools, *, clock: Clock | None = None, workers: Workers | None = None) -> None:
        self._tools = tools if callable(tools) else named(tools)
        self._clock = clock or SystemClock()
        self._workers = workers or WORKERS
        self._made: dict[Hashable, AnyTool] = {}

    def offer(self, context: Context[object]) -> Mapping[str, AnyTool]:
        if not callable(self._tools):
            return self._tools
        # A plain function offered again is not described again.  Runs in other threads do the same meanwhile.
        known, made = self._made, dict[Hashable, AnyTool]()
        for function in self._tools(context):
            key = function if isinstance(function, Hashable) else id(function)
            made[key] = known.get(key) or as_tool(function)
        self._made = made
        return named(made.values())

    async def call(self, ready: Ready, context: Context[object], limits: Limits) -> ToolResult:
        options = ready.tool.options
        seconds = limits.tool_seconds if options.timeout is None else options.timeout
        try:
            value = await within(self._clock, seconds, self._run(ready, context))
        except TimeIsUp:
            return _failed(
                ready.call,
                f"{ready.tool.name} did not finish within {seconds:g} s and was given up; what it did by then stays done.",
            )
        except ToolError as error:
            return _failed(ready.call, _short(str(error)) or f"{ready.tool.name} failed and did not say why.")
        except asyncio.CancelledError as error:
            # Either somebody cancels this run, or the tool has done it to itself: then it is a failure like any other.
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            return _failed(ready.call, f"{ready.tool.name} failed: {_said(error)}")
        except JournalError:
            # A run within this one cannot be kept: that is nothing the model could mend.
            raise
        except Exception as error:  # noqa: BLE001 - a tool may raise anything; the model is told
            return replace(_failed(ready.call, f"{ready.tool.name} failed: {_said(error)}"), trace=_trace(error))
        return _told(
            ready.call, value, limits.result_chars if options.max_result_chars is None else options.max_result_chars
        )

    async def _run(self, ready: Ready, context: Context[object]) -> object:
        def start() -> object:
            return ready.bound.call(ready.tool.function, context)

        try:
            return await self._started(ready.tool.kind, start, context)
        except (Exception, asyncio.CancelledError, KeyboardInterrupt, GeneratorExit):
            raise
        # SystemExit is how a command-line library says that its arguments were wrong: no reason to end the loop.
        except BaseException as error:
            raise _Escaped(error) from error

    async def _started(self, kind: Kind, start: Callable[[], object], context: Context[object]) -> object:
        match kind:
            case "async_generator":
                return await _last(start(), context)
            case "generator":
                return await self._workers.call(lambda: _in_thread(lambda: _exhaust(start(), context)))
            case "async":
                result = start()
            case "function":
                result = await self._workers.call(lambda: _in_thread(start))
        # A plain function may hand on what an async one returned.
        return await result if inspect.isawaitable(result) else result


WORKERS = Workers()
"""The threads of this process."""


class _Escaped(Exception):
    """Carries what a tool raised past `Exception`, which would end the event loop if it left the tool's task."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


def _in_thread(function: Callable[[], object]) -> object:
    """What a thread raises is the tool's own: neither Ctrl-C nor a cancellation ever reaches it there."""
    try:
        return function()
    except Exception:
        raise
    except BaseException as error:
        raise _Escaped(error) from error


async def _last(values: object, context: Context[object]) -> object:
    """The last value of an async generator; those before it are progress."""
    assert isinstance(values, AsyncIterator)
    last: object = None
    async for value in values:
        if last is not None:
            context.progress(str(last))
        last = value
    return last


def _exhaust(values: object, context: Context[object]) -> object:
    """The last value of a generator; those before it are progress."""
    assert isinstance(values, Iterator)
    last: object = None
    for value in values:
        if last is not None:
            context.progress(str(last))
        last = value
    return last


def _told(call: ToolCall, value: object, limit: int) -> ToolResult:
    try:
        content = content_of(value)
    except Exception as error:  # noqa: BLE001 - it runs the value's own code, which belongs to the tool
        return _failed(call, f"{call.name} ran, but what it returned cannot be written as JSON: {_said(error)}")
    words = text_of(content)
    if len(words) <= limit:
        return ToolResult(call.id, content)
    shown = cut(words, limit, call.id)
    others = () if isinstance(content, str) else tuple(part for part in content if not isinstance(part, Text))
    return ToolResult(call.id, (Text(shown), *others) if others else shown, whole=words)


def check(offered: Mapping[str, AnyTool], call: ToolCall, told: Collection[str] = ()) -> Ready | ToolResult:
    """Find the tool a call means and read its arguments, or say to the model what is wrong with it.

    Args:
        offered: The tools of the step, by name.
        call: What the model asked.
        told: Failures the model was told before; one that is made again gets a fuller message.
    """
    tool = offered.get(call.name)
    if tool is None:
        short, full = _unknown(call.name, offered)
        return _failed(call, full if short in told else short)
    try:
        read = read_arguments(call.arguments)
        arguments = drop_nulls(read.value, tool.parameters) if "null" in call.arguments or read.repair else read.value
        return Ready(tool, call, tool.signature.bind(arguments), arguments, read.repair)
    except ArgumentsUnreadable as error:
        problem = f"The arguments of {tool.name} could not be read, so it was not called: {error}"
        example = f"{problem}\nA valid example: {tool.signature.example_text()}"
        return _failed(call, example if problem in told else problem)
    except ArgumentsRefused as error:
        return _failed(call, error.advice if error.problem in told else error.problem)


def needs_person(ready: Ready) -> bool:
    """Whether a person must agree to a call first."""
    approval = ready.tool.options.approval
    if not callable(approval):
        return approval != "never"
    try:
        return bool(approval(ready.arguments))
    except Exception:  # it belongs to the tool; when it cannot tell, the careful answer is yes
        log.exception("the approval function of %s raised, so a person is asked", ready.tool.name)
        return True


def _unknown(name: str, offered: Mapping[str, AnyTool]) -> tuple[str, str]:
    if not offered:
        text = f"There is no tool {name!r}; no tools are offered now. Answer without one."
        return text, text
    near = difflib.get_close_matches(name, offered, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    text = f"There is no tool {name!r}.{meant} The tools are: {', '.join(offered)}."
    lines = [f"- {tool.name}: {tool.description.partition(chr(10))[0]}" for tool in offered.values()]
    return text, "\n".join([f"There still is no tool {name!r}.{meant} The tools are:", *lines])


def _failed(call: ToolCall, content: str) -> ToolResult:
    return ToolResult(call.id, content, failed=True)


_LINK = re.compile(r"\s*For further information visit https://errors\.pydantic\.dev\S*")


def _said(error: BaseException) -> str:
    """What an exception says, for the model: its type, and its text where it has one."""
    if isinstance(error, _Escaped):
        return _said(error.error)
    if isinstance(error, BaseExceptionGroup):
        return _short("; ".join(_said(each) for each in error.exceptions))
    try:
        text = _LINK.sub("", str(error))
    except Exception:  # noqa: BLE001 - its `__str__` is the tool's, too
        text = ""
    return _short(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def _trace(error: BaseException) -> str:
    """The lines of the tool's own code that led to an exception, without those that called it."""
    raised = error.error if isinstance(error, _Escaped) else error
    frames = [frame for frame in traceback.extract_tb(raised.__traceback__) if not frame.filename.startswith(_PACKAGE)]
    return scrub("".join(traceback.format_list(frames[-TRACE_LINES:])).rstrip())


def _short(text: str) -> str:
    """An exception's text for the model: without secrets, and without its tail."""
    text = scrub(text.strip())
    return text if len(text) <= ERROR_CHARS else f"{text[:ERROR_CHARS]}…"
