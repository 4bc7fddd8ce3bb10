"""An agent: a model, tools, instructions and limits, and the ways to run it."""

import asyncio
import inspect
import math
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from functools import reduce
from types import UnionType
from typing import Any, Generic

from agentkit.answers import AnswerToolbox, answer_instructions, answer_tool
from agentkit.approvals import Approver, Decision, given
from agentkit.clock import Clock, SystemClock
from agentkit.context import Context
from agentkit.drive import Ports, Terms, drive
from agentkit.errors import JournalError, ModelError, ToolError, UsageError
from agentkit.events import EVERYWHERE, Event, Observer, Recorded, RunFinished, RunStarted, ToolStarted
from agentkit.history import check_history
from agentkit.journal import MemoryJournal
from agentkit.limits import Account, Limits
from agentkit.loop import Run, apply
from agentkit.messages import File, Image, Message, Part, Text
from agentkit.model import Model, OutputFormat, OutputMode, Settings
from agentkit.result import Output, Result
from agentkit.retry import persistent
from agentkit.schema.outputs import OutputRefused, OutputType
from agentkit.toolbox import FunctionToolbox, Toolbox, Tools
from agentkit.tools import Tool, tool
from agentkit.watch import Watch

# What a caller hands in as deps is known to the functions that read it, and to nobody in between.
Instructions = str | Callable[[Context[Any]], str | Awaitable[str]]
"""What the model is told first, or a function that says it for a run."""

RESUMABLE = frozenset({"waiting", "failed", "cancelled"})
"""The statuses of a run that can go on."""

Prompt = str | Part | Sequence[str | Part]
"""What is asked: words, or words with pictures and documents."""


@dataclass(frozen=True, repr=False)
class Agent(Generic[Output]):
    """A description of how to answer: frozen, cheap, and free to be shared between runs.

    Args:
        model: Who answers.
        tools: Functions and tools, or a function of the context that says before each step which there are.
        instructions: What the model is told first; may be a function of the context.
        output: The type an answer must have: anything pydantic understands.
        limits: Where a run must stop.
        settings: How the model should answer; over the model's own settings.
        name: For events, logs, and the agent as a tool.
        observers: Are told every event.
        approver: Asks a person about calls that need one; without it such a run is suspended.
        clock: Where the time comes from.

    Raises:
        DuplicateTool: Two tools have one name.
        ToolDefinitionError: A function cannot be described.
        SchemaRefused: The model's provider cannot take a tool.
    """

    model: Model
    _: KW_ONLY
    tools: Tools | Toolbox = ()
    instructions: Instructions = ""
    output: type[Output] | UnionType = str  # type: ignore[assignment]  # the default of the type variable
    limits: Limits = field(default_factory=Limits)
    settings: Settings = field(default_factory=Settings)
    name: str = "agent"
    observers: Sequence[Observer] = ()
    approver: Approver | None = None
    clock: Clock = field(default_factory=SystemClock)
    toolbox: Toolbox = field(init=False, repr=False)
    """What runs the tools."""
    _output: OutputType[Output] | None = field(init=False, repr=False)
    _mode: OutputMode = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._check_types()
        if self.limits.cost is not None and self.model.price is None:
            raise UsageError(
                f"Limits(cost=...) needs to know what {self.model.name!r} costs: give the model a price, "
                f"as in Chat(..., price=Price(input=0.8, output=8.0))"
            )
        if not callable(self.tools) and not isinstance(self.tools, Toolbox):
            # What can be iterated once only would be gone when the agent is copied with a change.
            object.__setattr__(self, "tools", tuple(self.tools))
        toolbox: Toolbox = (
            self.tools if isinstance(self.tools, Toolbox) else FunctionToolbox(self.tools, clock=self.clock)
        )
        output = None if self.output is str else OutputType(self.output)
        mode = self.model.output_mode
        if mode == "json_schema_alone":
            mode = "tool" if self.tools else "json_schema"
        if output is not None and mode == "tool":
            toolbox = AnswerToolbox(toolbox, answer_tool(output))
        object.__setattr__(self, "toolbox", toolbox)
        object.__setattr__(self, "_output", output)
        object.__setattr__(self, "_mode", mode)
        if not callable(self.tools):
            self.model.check(tuple(made.spec for made in toolbox.offer(Context(None)).values()))

    def __repr__(self) -> str:
        return f"<Agent {self.name}: {self.model.name}>"

    def _check_types(self) -> None:
        """What is easily mistaken, before a run stumbles over it."""
        if not hasattr(self.model, "request"):
            raise UsageError(f"model is {self.model!r}; it must be a model, as in Agent(Chat({self.model!r}), ...)")
        for name, kind in (("limits", Limits), ("settings", Settings)):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise UsageError(f"{name} is {value!r}; it must be {kind.__name__}(...)")
        for name in ("tools", "observers"):
            if isinstance(getattr(self, name), (Tool, str)):
                raise UsageError(f"{name} is {getattr(self, name)!r}; it must be a list, as in {name}=[...]")
        if callable(self.observers):
            raise UsageError("observers is a function; it must be a list, as in observers=[...]")

    async def run(self, prompt: Prompt, *, deps: object = None, history: Sequence[Message] = ()) -> Result[Output]:
        """Run until there is an answer, or a reason to stop.

        Args:
            prompt: What is asked.
            deps: Handed to tools in their context, never to the model.
            history: Messages of an earlier result, to go on from.

        Raises:
            ModelError: The model failed; the run so far is the error's `result`, and can be resumed.
            UsageError: The prompt is empty, or the history is broken; nothing was spent.
        """
        journal = MemoryJournal()
        return await self._drive(Run(), journal, [await self._beginning(prompt, deps, history)], deps=deps)

    def run_sync(self, prompt: Prompt, *, deps: object = None, history: Sequence[Message] = ()) -> Result[Output]:
        """Run from code that is not async; raises as `run` does."""
        running = None
        with suppress(RuntimeError):
            running = asyncio.get_running_loop()
        if running is not None:
            raise UsageError("run_sync was called inside a running event loop; write `await agent.run(...)` there")
        return asyncio.run(self.run(prompt, deps=deps, history=history))

    def stream(self, prompt: Prompt, *, deps: object = None, history: Sequence[Message] = ()) -> "Watch[Output]":
        """Run and watch: `async with agent.stream(prompt) as run: async for event in run: ...`, then `run.result`."""

        async def begin(watch: Watch[Output]) -> Result[Output]:
            starting = [await self._beginning(prompt, deps, history)]
            return await self._drive(Run(), watch.journal, starting, deps=deps, watcher=watch.tell)

        return Watch(begin, self._result)

    async def resume(
        self, result: Result[Output], *, decisions: Mapping[str, bool | Decision] | None = None, deps: object = None
    ) -> Result[Output]:
        """Go on with a run that waits, failed or was cancelled; no reply or result that it has is asked for again.

        A result is a value: resumed twice, it goes on twice, with the same idempotency keys.

        Args:
            result: The run so far.
            decisions: What people say to the calls in `result.waiting`, by call id.
            deps: As for `run`; they are not kept in a result.

        Raises:
            ModelError: As for `run`.
            UsageError: The run has ended, or a decision is for a call that does not wait for one.
        """
        journal = MemoryJournal(result.events)
        if result.status not in RESUMABLE:
            raise UsageError(f"run {result.run_id} has ended as {result.status!r}; go on with history=result.messages")
        waiting = {call.id for call in result.waiting}
        if unknown := set(decisions or ()) - waiting:
            raise UsageError(
                f"no call {', '.join(sorted(unknown))} waits for a decision; these do: {', '.join(sorted(waiting)) or 'none'}"
            )
        starting = [given(call_id, said) for call_id, said in (decisions or {}).items()]
        return await self._drive(result.run, journal, starting, deps=deps)

    def as_tool(
        self, *, name: str | None = None, description: str | None = None, timeout: float = math.inf
    ) -> Tool[..., object]:
        """This agent as a tool of another: each call is a run of its own, within the limits of the run that calls it.

        Args:
            name: What the other model calls it by; the agent's name when left out.
            description: What the other model is told it can do.
            timeout: Seconds a call may take; by default only the limits of the two runs end it.
        """

        async def ask(task: str, context: Context[object]) -> Output:
            """Hand a task over, in words that need no other context.

            Args:
                task: What is to be done, with everything that must be known for it.
                context: The call in the run of the other.
            """
            return await self._nested(task, context)

        told = description or f"Hand a task over to {self.name}, in words that need no other context."
        return tool(ask, name=name or self.name, description=told, timeout=timeout)

    async def _nested(self, task: str, context: Context[object]) -> Output:
        def report(recorded: Recorded) -> None:
            if isinstance(recorded.event, ToolStarted):
                context.progress(f"{self.name}: step {recorded.step}, {recorded.event.tool}")

        parent = f"{context.run_id}/{context.call_id}"
        start = await self._beginning(task, context.deps, (), run_id=context.key, parent=parent)
        result = await self._drive(
            Run(),
            MemoryJournal(),
            [start],
            deps=context.deps,
            watcher=report,
            account=context.account,
            approver=context.approver,
        )
        if result.status != "completed":
            so_far = f" What it has so far: {result.output}" if result.output else ""
            raise ToolError(f"{self.name} did not finish ({result.status}): {result.detail}.{so_far}")
        return result.require()

    async def _beginning(
        self, prompt: Prompt, deps: object, history: Sequence[Message], *, run_id: str = "", parent: str | None = None
    ) -> RunStarted:
        content = (prompt,) if isinstance(prompt, (Text, Image, File)) else prompt
        if not isinstance(content, Sequence) or not all(isinstance(part, (str, Text, Image, File)) for part in content):
            raise UsageError(f"the prompt is {prompt!r}; it must be text, or a list of Text, Image and File")
        if not content or (isinstance(content, str) and not content.strip()):
            raise UsageError("the prompt is empty; say what the agent should do")
        check_history(history)
        run_id = run_id or f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(self.clock.time()))}-{secrets.token_hex(4)}"
        instructions = self.instructions
        if callable(instructions):
            said = instructions(Context(deps, run_id))
            instructions = await said if inspect.isawaitable(said) else said
        if self._output is not None:
            instructions = answer_instructions(instructions, self._output, self._mode)
        messages = tuple(history)
        if instructions:
            # The agent's own instructions hold for its run, not those of the run the history comes from.
            messages = (Message("system", instructions), *(m for m in messages if m.role != "system"))
        parts = content if isinstance(content, str) else tuple(Text(p) if isinstance(p, str) else p for p in content)
        asked = Message("user", parts)
        finisher = self.toolbox.tool.name if isinstance(self.toolbox, AnswerToolbox) else None
        return RunStarted(run_id, self.name, (*messages, asked), parent, finisher)

    async def _drive(
        self,
        run: Run,
        journal: MemoryJournal,
        starting: Sequence[Event],
        *,
        deps: object,
        watcher: Observer | None = None,
        account: Account | None = None,
        approver: Approver | None = None,
    ) -> Result[Output]:
        ports = Ports(
            model=persistent(self.model, self.clock),
            toolbox=self.toolbox,
            journal=journal,
            clock=self.clock,
            observers=(*EVERYWHERE, *self.observers, *(() if watcher is None else (watcher,))),
            approver=self.approver or approver,
        )
        held = self._output is not None and self._mode != "tool"
        terms = Terms(
            limits=self.limits,
            settings=self.settings,
            output=self._output,
            format=OutputFormat(self._output.name, self._output.schema) if held and self._output else None,
            stream=watcher is not None and account is None,
        )
        try:
            run = await drive(run, ports, terms, deps=deps, parent=account, starting=starting, seq=len(journal.events))
        except (ModelError, UsageError, JournalError) as error:
            error.result = self._result(journal.events)
            raise
        return self._result(journal.events, run)

    def _result(self, events: Sequence[Recorded], run: Run | None = None) -> Result[Output]:
        if run is None:
            run = reduce(apply, (recorded.event for recorded in events), Run())
        return Result(run, tuple(events), self._read(run))

    def _read(self, run: Run) -> Output | None:
        """The answer as a value; what a run without an answer type wrote is its output, complete or not."""
        if not isinstance(run.ended, RunFinished) or not run.ended.output:
            return None
        if self._output is not None:
            # What was written under a limit may be a whole answer, and may not.
            with suppress(*(() if run.ended.status == "completed" else (OutputRefused,))):
                return self._output.read(run.ended.output)
            return None
        return run.ended.output  # type: ignore[return-value]  # without an output type, `Output` is `str`
