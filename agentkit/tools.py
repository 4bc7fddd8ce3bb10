"""A function as a tool: what a model is told of it, and how it may be called.

Nothing here runs a tool; that is the toolbox's.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import WRAPPER_ASSIGNMENTS, cached_property, partial
from types import FunctionType, MethodType
from typing import Generic, Literal, ParamSpec, Protocol, TypeVar, get_args, overload

from pydantic import JsonValue

from agentkit.context import Context
from agentkit.errors import DuplicateTool, ToolDefinitionError
from agentkit.model import ToolSpec
from agentkit.schema.signature import Bound, describe

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

Effect = Literal["read", "idempotent", "once"]
"""What calling a tool does: nothing but look, the same however often, or something that must not happen twice."""

Kind = Literal["async", "async_generator", "generator", "function"]

Verify = Callable[[str], object]
"""Says of an idempotency key whether its call has happened: False for no, None where it cannot tell, True for yes, and anything
else for the call's result.  May be async."""

Approval = Literal["never", "always", "answer"] | Callable[[Mapping[str, JsonValue]], bool]
"""Whether a person must agree to a call first, or answer it instead of the function; a function decides by the arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a tool may be called."""

    effect: Effect = "once"
    approval: Approval = "never"
    timeout: float | None = None
    """Seconds; None: the run's `Limits.tool_seconds`."""
    parallel: bool | None = None
    """Whether it may run beside others; None: async functions and those with effect `read` may."""
    sequential: bool = False
    """Whether it waits for all calls before it, and all after it wait for it."""
    max_result_chars: int | None = None
    """None: the run's `Limits.result_chars`."""
    strict: bool = False
    """Whether the provider must enforce the schema."""
    verify: Verify | None = None


class Described(Protocol):
    """What a model is told of a tool, and the check of its arguments."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def parameters(self) -> dict[str, JsonValue]: ...
    @property
    def returns(self) -> dict[str, JsonValue] | None: ...
    def bind(self, arguments: Mapping[str, JsonValue]) -> Bound: ...
    def example_text(self) -> str: ...


class Tool(Generic[P, R_co]):
    """A function with its description.  Called, it is still the function."""

    def __init__(self, function: Callable[P, R_co], signature: Described, options: Options) -> None:
        self.function = function
        self.signature = signature
        self.options = options
        for name in WRAPPER_ASSIGNMENTS:
            if hasattr(function, name):
                setattr(self, name, getattr(function, name))
        self.__wrapped__ = function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        return self.function(*args, **kwargs)

    @overload
    def __get__(self, instance: None, owner: type) -> "Tool[P, R_co]": ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> "Tool[..., R_co]": ...
    def __get__(self, instance: object, owner: type | None = None) -> "Tool[..., R_co]":
        bind = getattr(self.function, "__get__", None)
        if bind is None:
            return self
        bound = bind(instance, owner)
        return self if bound is self.function else Tool(bound, self.signature, self.options)

    def __repr__(self) -> str:
        return f"<tool {self.name}>"

    @property
    def name(self) -> str:
        """What the model calls it by."""
        return self.signature.name

    @property
    def description(self) -> str:
        """What the model is told it does."""
        return self.signature.description

    @property
    def parameters(self) -> dict[str, JsonValue]:
        """JSON Schema of its arguments."""
        return self.signature.parameters

    @property
    def returns(self) -> dict[str, JsonValue] | None:
        """JSON Schema of what it returns; None where the function does not say."""
        return self.signature.returns

    @cached_property
    def kind(self) -> Kind:
        """How its function runs."""
        function: object = self.function
        while isinstance(function, (partial, MethodType, staticmethod, classmethod)):
            function = function.func if isinstance(function, partial) else function.__func__
        if not isinstance(function, FunctionType):
            function = inspect.getattr_static(type(function), "__call__", function)
        tests: tuple[tuple[Kind, Callable[[object], bool]], ...] = (
            ("async", inspect.iscoroutinefunction),
            ("async_generator", inspect.isasyncgenfunction),
            ("generator", inspect.isgeneratorfunction),
        )
        for kind, holds in tests:
            if holds(function):
                return kind
        return "function"

    @property
    def beside_others(self) -> bool:
        """Whether it may run at the same time as other calls of a step."""
        if self.options.parallel is not None:
            return self.options.parallel
        return self.options.effect == "read" or self.kind in {"async", "async_generator"}

    @cached_property
    def spec(self) -> ToolSpec:
        """What a model is told."""
        return ToolSpec(self.name, self.description, self.parameters, self.options.strict)


@overload
def tool(
    function: Callable[P, R],
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    effect: Effect = "once",
    approval: Approval = "never",
    timeout: float | None = None,
    parallel: bool | None = None,
    sequential: bool = False,
    max_result_chars: int | None = None,
    strict: bool = False,
    verify: Verify | None = None,
) -> Tool[P, R]: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    effect: Effect = "once",
    approval: Approval = "never",
    timeout: float | None = None,
    parallel: bool | None = None,
    sequential: bool = False,
    max_result_chars: int | None = None,
    strict: bool = False,
    verify: Verify | None = None,
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...
def tool(  # noqa: PLR0913 - every option is one a tool's author may need, and each has a default
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    effect: Effect = "once",
    approval: Approval = "never",
    timeout: float | None = None,
    parallel: bool | None = None,
    sequential: bool = False,
    max_result_chars: int | None = None,
    strict: bool = False,
    verify: Verify | None = None,
) -> Tool[P, R] | Callable[[Callable[P, R]], Tool[P, R]]:
    """Make a tool of a function; use it as `@tool`, as `@tool(...)` or as `tool(function, ...)`.

    Args:
        function: Any function, async function, generator, method or object that can be called.
        name: What the model calls it by; the function's own name when left out.
        description: What the model is told; the docstring's text when left out.
        effect: `read` looks and changes nothing, `idempotent` may be called again with the same key,
            `once` must not happen twice.
        approval: Whether a person must agree first: `never`, `always`, or a function of the arguments; `answer` where the
            person gives the result themselves, and the function is called only if they do not.
        timeout: Seconds it may take; the run's `Limits.tool_seconds` when left out.
        parallel: Whether it may run beside other calls; by default async functions and those that read may.
        sequential: Whether it runs alone, after all calls before it and before all calls after it.
        max_result_chars: Characters of a result shown to the model; the run's `Limits.result_chars` when left out.
        strict: Whether the provider must enforce the schema; one that cannot is refused when the agent is made.
        verify: For `once`: says of a call's key whether it has happened, should the process die before its result is
            recorded.  False: no, so it is made again; None: it cannot tell; True: yes; anything else is its result.

    Raises:
        ToolDefinitionError: The function cannot be described; the message names the argument.
    """
    options = Options(
        effect=effect,
        approval=approval,
        timeout=timeout,
        parallel=parallel,
        sequential=sequential,
        max_result_chars=max_result_chars,
        strict=strict,
        verify=verify,
    )

    def make(function: Callable[P, R]) -> Tool[P, R]:
        _check(options, _name_of(function))
        return Tool(
            function, describe(_as_called(function), name=name, description=description, injected=Context), options
        )

    return make if function is None else make(function)


def _check(options: Options, name_of: str) -> None:
    if options.effect not in get_args(Effect):
        raise ToolDefinitionError(
            f"{name_of}: effect is {options.effect!r}; it must be one of {', '.join(get_args(Effect))}"
        )
    if options.approval not in ("never", "always", "answer") and not callable(options.approval):
        raise ToolDefinitionError(
            f"{name_of}: approval is {options.approval!r}; it must be 'never', 'always', 'answer' or a function"
        )
    if options.verify is not None and options.effect != "once":
        raise ToolDefinitionError(
            f"{name_of}: verify is for tools with effect 'once'; one with effect {options.effect!r} is just called again"
        )
    for name in ("timeout", "max_result_chars"):
        value = getattr(options, name)
        if value is not None and value <= 0:
            raise ToolDefinitionError(f"{name_of}: {name} is {value!r}; it must be more than 0")


def _as_called(function: Callable[P, R]) -> Callable[..., R]:
    """The function as it is called on an instance: in the body of a class, `self` is not an argument."""
    if isinstance(function, staticmethod):
        return function.__func__
    if isinstance(function, classmethod):
        return MethodType(function.__func__, object)
    return MethodType(function, object) if _takes_self(function) else function


def _takes_self(function: object) -> bool:
    """Whether a function stands in the body of a class and is not bound to an object yet."""
    if not isinstance(function, FunctionType):
        return False
    scope = function.__qualname__.rpartition(".")[0]
    first = next(iter(inspect.signature(function).parameters.values()), None)
    # A static method says the types of all its parameters; nobody annotates `self`.
    return bool(scope) and not scope.endswith("<locals>") and first is not None and first.annotation is first.empty


def _name_of(function: object) -> str:
    return str(getattr(function, "__qualname__", type(function).__name__))


MADE = "__agentkit_tool__"
"""Where a plain function keeps the tool that was made of it; both go together."""

Toolable = Tool[..., object] | Callable[..., object]
"""What can be given where a tool is wanted: a tool, or a function to make one of."""


def as_tool(function: Toolable) -> Tool[..., object]:
    """The tool itself, or a tool of a plain function."""
    plain = function.function if isinstance(function, Tool) else function
    if _takes_self(plain):
        raise ToolDefinitionError(
            f"{_name_of(plain)} is a method without its object; give it bound, as in tools=[service.{plain.__name__}]"
        )
    if isinstance(function, Tool):
        return function
    if isinstance(function, FunctionType):
        # A function is described once: agents are cheap, and are made for every request of a service.
        made: Tool[..., object] | None = function.__dict__.get(MADE)
        # `functools.wraps` copies what a function keeps to the function around it, which is another one.
        if made is None or made.function is not function:
            made = function.__dict__[MADE] = tool(function)
        return made
    # From Python 3.13 on, a class method around a tool binds without asking the tool.
    if isinstance(function, MethodType) and isinstance(function.__func__, Tool):
        return function.__func__.__get__(function.__self__)
    return tool(function)


def named(functions: Iterable[Toolable]) -> dict[str, Tool[..., object]]:
    """Tools by name, in the order given.

    Raises:
        DuplicateTool: Two have one name.
    """
    tools: dict[str, Tool[..., object]] = {}
    for made in map(as_tool, functions):
        if (other := tools.get(made.name)) is not None:
            raise DuplicateTool(
                f"two tools are named {made.name!r}: {_origin(other)} and {_origin(made)}; "
                f"give one of them another name with @tool(name=...)"
            )
        tools[made.name] = made
    return tools


def _origin(made: Tool[..., object]) -> str:
    return f"{getattr(made, '__module__', '?')}.{getattr(made, '__qualname__', made.name)}"
