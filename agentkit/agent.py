"""An agent: a model, tools, instructions and limits, and the ways to run it."""

import asyncio
import importlib
import inspect
import math
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from pathlib import Path
from types import UnionType
from typing import Any, Generic, get_args

from agentkit.answers import AnswerToolbox, answer_instructions, answer_tool
from agentkit.approvals import Approver, Decision, given
from agentkit.beginning import Prompt, asked, first_messages
from agentkit.clock import Clock, SystemClock
from agentkit.context import Context
from agentkit.definition import definition
from agentkit.doubt import InDoubt
from agentkit.drive import Ports, Terms, drive
from agentkit.errors import JournalError, ModelError, ToolError, UsageError
from agentkit.events import (
    EVERYWHERE,
    Event,
    Observer,
    Recorded,
    RunFinished,
    RunStarted,
    ToolStarted,
)
from agentkit.history import check_history
from agentkit.journal import Claim, Journal, MemoryClaim, MemoryJournal
from agentkit.limits import Account, Limits
from agentkit.loop import Run, conversation, fold
from agentkit.messages import Message
from agentkit.model import Model, OutputFormat, OutputMode, Settings
from agentkit.result import Output, Result
from agentkit.resumption import check_resumable, check_same, resumed
from agentkit.retry import persistent
from agentkit.schema.outputs import OutputRefused, OutputType
from agentkit.tasks import to_the_end
from agentkit.toolbox import FunctionToolbox, Toolbox, Tools
from agentkit.tools import Tool, tool
from agentkit.watch import Watch

# What a caller hands in as deps is known to the functions that read it, and to nobody in between.
Instructions = str | Callable[[Context[Any]], str | Awaitable[str]]
"""What the model is told first, or a function that says it for a run."""


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
        journal: Where its runs are kept, so that they survive the process: a `Journal`, or the path of a file.
        in_doubt: What becomes of a call that must not be made twice and may have been made when the process died: `tell` the
            model that it is unknown, `ask` a person, or make it `again`.
        target: How the command finds this agent, as in `shop.py:agent`; kept with its runs, so that `agentkit resume RUN` is
            enough.
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
    journal: Journal | str | Path | None = None
    in_doubt: InDoubt = "tell"
    target: str = ""
    clock: Clock = field(default_factory=SystemClock)
    toolbox: Toolbox = field(init=False, repr=False)
    """What runs the tools."""
    _output: OutputType[Output] | None = field(init=False, repr=False)
    _mode: OutputMode = field(init=False, repr=False)
    _journal: Journal | None = field(init=False, repr=False)

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
        object.__setattr__(self, "_journal", _opened(self.journal))
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
        if self.in_doubt not in get_args(InDoubt):
            raise UsageError(f"in_doubt is {self.in_doubt!r}; it must be one of {', '.join(get_args(InDoubt))}")
        for name in ("tools", "observers"):
            if isinstance(getattr(self, name), (Tool, str)):
                raise UsageError(f"{name} is {getattr(self, name)!r}; it must be a list, as in {name}=[...]")
        if callable(self.observers):
            raise UsageError("observers is a function; it must be a list, as in observers=[...]")

    async def run(
        self, prompt: Prompt, *, deps: object = None, history: Sequence[Message] = (), continues: str | None = None
    ) -> Result[Output]:
        """Run until there is an answer, or a reason to stop.

        Args:
            prompt: What is asked.
            deps: Handed to tools in their context, never to the model.
            history: Messages of an earlier result, to go on from.
            continues: The id of an earlier run, to go on from and to be listed with; its messages are read from the
                journal, unless they are given as `history`.

        Raises:
            ModelError: The model failed; the run so far is the error's `result`, and can be resumed.
            UsageError: The prompt is empty, or the history is broken; nothing was spent.
            JournalError: The run could not be kept; it stopped before its next effect, and can be resumed.
        """
        start = await self.starting(prompt, deps, history, continues=continues)
        return await self.carry_on(await self.claim_new(start.run_id), [start], deps=deps)

    def run_sync(
        self, prompt: Prompt, *, deps: object = None, history: Sequence[Message] = (), continues: str | None = None
    ) -> Result[Output]:
        """Run from code that is not async; raises as `run` does."""
        running = None
        with suppress(RuntimeError):
            running = asyncio.get_running_loop()
        if running is not None:
            raise UsageError("run_sync was called inside a running event loop; write `await agent.run(...)` there")
        return asyncio.run(self.run(prompt, deps=deps, history=history, continues=continues))

    def stream(
        self, prompt: Prompt, *, deps: object = None, history: Sequence[Message] = (), continues: str | None = None
    ) -> "Watch[Output]":
        """Run and watch: `async with agent.stream(prompt) as run: async for event in run: ...`, then `run.result`."""

        async def begin(watch: Watch[Output]) -> Result[Output]:
            start = await self.starting(prompt, deps, history, continues=continues)
            claim = await self.claim_new(start.run_id)
            return await self.carry_on(claim, [start], deps=deps, watcher=watch.tell, events=watch.events)

        return Watch(begin, self._result)

    async def resume(
        self, run: Result[Output] | str, *, decisions: Mapping[str, bool | Decision] | None = None, deps: object = None
    ) -> Result[Output]:
        """Go on with a run that waits, failed, was cancelled, or lost its process; nothing that it has is done again.

        Without a journal a result is a value: resumed twice, it goes on twice, with the same idempotency keys.

        Args:
            run: The run so far, or the id of a run in the journal.
            decisions: What people say to the calls in `result.waiting`, by call id.
            deps: As for `run`; they are not kept.

        Raises:
            ModelError: As for `run`.
            UsageError: The run has ended, or a decision is for a call that does not wait for one.
            UnknownRun: The journal has no such run.
            RunTaken: Somebody drives it.
            RunDiffers: Another agent, or another version, began it.
        """
        claim, starting = await self._claim_again(run, decisions or {})
        return await self.carry_on(claim, starting, deps=deps)

    def stream_resume(
        self, run: Result[Output] | str, *, decisions: Mapping[str, bool | Decision] | None = None, deps: object = None
    ) -> "Watch[Output]":
        """Resume and watch, as `stream` does; the events are those from now on."""

        async def begin(watch: Watch[Output]) -> Result[Output]:
            claim, starting = await self._claim_again(run, decisions or {})
            return await self.carry_on(claim, starting, deps=deps, watcher=watch.tell, events=watch.events)

        return Watch(begin, self._result)

    def result(self, run_id: str) -> Result[Output]:
        """How a run in the journal stands, whoever drives it.

        Raises:
            UsageError: The agent has no journal.
            UnknownRun: The journal has no such run.
        """
        return self._result(self.kept_in().read(run_id))

    def kept_in(self) -> Journal:
        """The agent's journal.

        Raises:
            UsageError: It has none.
        """
        if self._journal is None:
            raise UsageError(
                "a run can be found by its id in a journal only; give the agent one: Agent(journal='runs.db')"
            )
        return self._journal

    async def claim_new(self, run_id: str) -> Claim:
        """The right to write a new run, in the agent's journal if it has one."""
        return MemoryClaim() if self._journal is None else await self._journal.claim(run_id, create=True)

    async def _claim_again(
        self, run: Result[Output] | str, decisions: Mapping[str, bool | Decision]
    ) -> tuple[Claim, list[Event]]:
        """A run to go on with, and what to record first."""
        if isinstance(run, Result) and self._journal is None:
            claim: Claim = MemoryClaim(run.events)
        else:
            claim = await self.kept_in().claim(run if isinstance(run, str) else run.run_id)
        try:
            check_resumable(claim.events, decisions)
            if self._journal is not None:
                check_same(claim.events, self.definition)
            return claim, [resumed(self.name), *(given(call_id, said) for call_id, said in decisions.items())]
        except BaseException:
            await to_the_end(claim.release())
            raise

    @cached_property
    def definition(self) -> Mapping[str, str]:
        """What the agent is, part by part; a run is resumed by an agent that is the same."""
        dynamic = callable(self.tools) or not isinstance(self.tools, tuple)
        return definition(
            name=self.name,
            model=self.model.name,
            instructions=None if callable(self.instructions) else self.instructions,
            tools=None if dynamic else self.toolbox.offer(Context(None)),
            output=self._output,
            settings=self.settings,
        )

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
        # Called again, it goes on with the run that it has begun.
        return tool(ask, name=name or self.name, description=told, timeout=timeout, effect="idempotent")

    async def _nested(self, task: str, context: Context[object]) -> Output:
        def report(recorded: Recorded) -> None:
            if isinstance(recorded.event, ToolStarted):
                context.progress(f"{self.name}: step {recorded.step}, {recorded.event.tool}")

        claim = await (context.journal or MemoryJournal()).claim(context.key, create=True)
        run = fold(claim.events)
        if context.account is not None:
            # What it has spent before counts for the run that calls it, as if it had been spent now.
            context.account.charge(run.spent)
        if isinstance(run.ended, RunFinished):
            await to_the_end(claim.release())
            result = self._result(claim.events)
        else:
            starting = await self._nested_start(claim, task, context)
            result = await self.carry_on(
                claim,
                starting,
                deps=context.deps,
                watcher=report,
                account=context.account,
                approver=context.approver,
                journal=context.journal,
            )
        if result.status == "waiting" and context.journal is not None:
            context.suspend(f"{self.name} waits for a person, in run {result.run_id}: {result.detail}")
            return result.output  # type: ignore[return-value]  # nobody is told
        if result.status != "completed":
            so_far = f" What it has so far: {result.output}" if result.output else ""
            raise ToolError(f"{self.name} did not finish ({result.status}): {result.detail}.{so_far}")
        return result.require()

    async def _nested_start(self, claim: Claim, task: str, context: Context[object]) -> list[Event]:
        if not claim.events:
            parent = f"{context.run_id}/{context.call_id}"
            return [
                await self.starting(task, context.deps, (), run_id=context.key, parent=parent, kept=context.journal)
            ]
        check_same(claim.events, self.definition)
        return [resumed(self.name)]

    async def starting(
        self,
        prompt: Prompt,
        deps: object,
        history: Sequence[Message],
        *,
        run_id: str = "",
        parent: str | None = None,
        continues: str | None = None,
        kept: Journal | None = None,
    ) -> RunStarted:
        """How a run of this agent begins.

        Args:
            prompt: What is asked.
            deps: Handed to instructions that are a function.
            history: Messages to go on from.
            run_id: The run's id; a new one when left out.
            parent: The tool call that the run answers.
            continues: The run whose conversation it goes on with.
            kept: Where the run is kept, if that is not the agent's own journal.

        Raises:
            UsageError: As for `run`.
        """
        question = asked(prompt)
        if continues is not None and not history:
            history = conversation(fold(self.kept_in().read(continues)))
        # A history that cannot be sent is refused before anybody is asked for instructions.
        check_history(history)
        run_id = run_id or self.new_id()
        messages = first_messages(question, history, await self.told(deps, run_id))
        finisher = self.toolbox.tool.name if isinstance(self.toolbox, AnswerToolbox) else None
        told_apart = {} if (kept or self._journal) is None else self.definition
        return RunStarted(
            run_id, self.name, messages, parent, finisher, continues, told_apart, self.target, self.limits.ends
        )

    def new_id(self) -> str:
        """An id for a run: when it began, and letters that no other has."""
        return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(self.clock.time()))}-{secrets.token_hex(4)}"

    async def told(self, deps: object, run_id: str) -> str:
        """The instructions of a run, with what the model must know of the form of its answer."""
        instructions = self.instructions
        if callable(instructions):
            said = instructions(Context(deps, run_id))
            instructions = await said if inspect.isawaitable(said) else said
        return instructions if self._output is None else answer_instructions(instructions, self._output, self._mode)

    async def carry_on(
        self,
        claim: Claim,
        starting: Sequence[Event],
        *,
        deps: object = None,
        events: list[Recorded] | None = None,
        watcher: Observer | None = None,
        account: Account | None = None,
        approver: Approver | None = None,
        journal: Journal | None = None,
    ) -> Result[Output]:
        """Drive a run that has been claimed until it stops, and release it: what all ways to run come to.

        Args:
            claim: The right to write it.
            starting: What to record first.
            deps: Handed to tools.
            events: A list for the events; what is in it has happened before those that the claim knows, as for a fork.
            watcher: Is told every event, beside the agent's observers.
            account: Of the run whose tool this run is.
            approver: Is asked where the agent has nobody to ask.
            journal: Where nested runs are kept; the agent's own when left out.

        Raises:
            ModelError: As `run` does, and so on.
        """
        ports = Ports(
            model=persistent(self.model, self.clock),
            toolbox=self.toolbox,
            claim=claim,
            clock=self.clock,
            observers=(*EVERYWHERE, *self.observers, *(() if watcher is None else (watcher,))),
            approver=self.approver or approver,
            journal=journal or self._journal,
        )
        held = self._output is not None and self._mode != "tool"
        terms = Terms(
            limits=self.limits,
            settings=self.settings,
            output=self._output,
            format=OutputFormat(self._output.name, self._output.schema) if held and self._output else None,
            stream=watcher is not None and account is None,
            in_doubt=self.in_doubt,
        )
        events = [] if events is None else events
        events += claim.events
        try:
            run = await drive(events, ports, terms, deps=deps, parent=account, starting=starting)
        except (ModelError, UsageError, JournalError) as error:
            error.result = self._result(events)
            raise
        finally:
            # A claim that cannot be given back ends with its process.
            with suppress(JournalError):
                await to_the_end(claim.release())
        return self._result(events, run)

    def _result(self, events: Sequence[Recorded], run: Run | None = None) -> Result[Output]:
        run = fold(events) if run is None else run
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


def _opened(journal: Journal | str | Path | None) -> Journal | None:
    """A journal, or the one in a file: SQLite is loaded for those who have one."""
    if not isinstance(journal, str | Path):
        return journal
    opened: Journal = importlib.import_module("agentkit.sqlite.journal").journal_at(journal)
    return opened
