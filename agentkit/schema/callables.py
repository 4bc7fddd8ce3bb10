"""What Python itself says of a function: its name, docstring, parameters and their types.

Annotations are resolved where the function was written, in enclosing functions and classes too.  Nothing here knows
JSON Schema.
"""

import functools
import inspect
import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, MethodType, SimpleNamespace

from agentkit.errors import ToolDefinitionError

UNKNOWN = inspect.Parameter.empty
"""Stands for a type that is not annotated."""


@dataclass(frozen=True, slots=True)
class Callee:
    """A function as it may be called."""

    name: str
    docstrings: tuple[str, ...]
    """The nearest first: a callable object's `__call__` comes before its class."""
    parameters: tuple[inspect.Parameter, ...]
    """Without those that are bound already: `self`, and what a partial fixes."""
    hints: Mapping[str, object]
    """Types by parameter, `UNKNOWN` where there is no annotation."""
    returns: object
    """The annotated result; `UNKNOWN` when there is none, or when it cannot be resolved."""


def look_at(function: object, known: Mapping[str, object]) -> Callee:
    """Read a function.

    Args:
        function: A function, method, partial or callable object.
        known: Types that annotations may name though the module imports them for type checkers only.

    Raises:
        ToolDefinitionError: It has no signature, or an annotation names nothing.
    """
    if isinstance(function, type):
        raise ToolDefinitionError(f"{function.__name__} is a class; give an object that can be called, or a function")
    inner, fixed = _unwrap(function)
    name = _name(function, inner)
    parameters, returned = _signature(function, name)
    parameters = tuple(parameter for parameter in parameters if parameter.name not in fixed)
    scope = _Scope(name, inner, known)
    hints = scope.resolve({parameter.name: parameter.annotation for parameter in parameters})
    return Callee(name, _docstrings(function, inner), parameters, hints, scope.resolve_result(returned))


def _unwrap(function: object) -> tuple[object, frozenset[str]]:
    """The function that holds code, and the arguments that partials have fixed by name."""
    fixed: set[str] = set()
    while True:
        match function:
            case functools.partial():
                fixed.update(function.keywords)
                function = function.func
            case MethodType() | staticmethod() | classmethod():
                function = function.__func__
            case FunctionType() | types.BuiltinFunctionType():
                return function, frozenset(fixed)
            case _ if (wrapped := getattr(function, "__wrapped__", None)) is not None:
                function = wrapped
            case _:
                call = inspect.getattr_static(type(function), "__call__", None)
                return (call if isinstance(call, FunctionType) else function), frozenset(fixed)


def _name(function: object, inner: object) -> str:
    """The name a function goes by; an object goes by its class, in snake_case."""
    own = getattr(function, "__name__", None)
    if own is None and isinstance(inner, FunctionType) and inner.__name__ == "__call__":
        own = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", type(_root(function)).__name__).lower()
    return str(getattr(inner, "__name__", type(function).__name__) if own is None else own)


def _root(function: object) -> object:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _docstrings(function: object, inner: object) -> tuple[str, ...]:
    root = _root(function)
    near = getattr(inner, "__doc__", None)
    far = None if isinstance(root, (FunctionType, MethodType)) else root.__doc__
    return tuple(text for text in (near, far) if text)


def _signature(function: object, name: str) -> tuple[tuple[inspect.Parameter, ...], object]:
    called = function.__func__ if isinstance(function, (staticmethod, classmethod)) else function
    if not callable(called):
        raise ToolDefinitionError(f"{function!r} cannot be called; give a function")
    try:
        signature = inspect.signature(called)
    except (ValueError, TypeError) as error:
        message = f"{name} has no signature that Python can read; wrap it in a function with annotated arguments"
        raise ToolDefinitionError(message) from error
    parameters = tuple(signature.parameters.values())
    return parameters[1:] if isinstance(function, classmethod) else parameters, signature.return_annotation


class _Missing(dict[str, object]):
    """A scope in which every other name means anything."""

    def __missing__(self, key: str) -> object:
        return typing.Any


class _Scope:
    """Where a function was written: what its annotations can name."""

    def __init__(self, name: str, inner: object, known: Mapping[str, object]) -> None:
        function = inspect.unwrap(inner) if callable(inner) else inner
        self.name = name
        self.known = known
        self.globals: dict[str, object] = getattr(function, "__globals__", {})
        self.function = function

    @functools.cached_property
    def locals(self) -> dict[str, object]:
        """Names of type parameters, enclosing functions and classes, the innermost first."""
        found: dict[str, object] = {}
        for names in self._enclosing():
            found = {**names, **found}
        return found

    def _enclosing(self) -> Iterator[Mapping[str, object]]:
        yield {each.__name__: each for each in getattr(self.function, "__type_params__", ())}
        if isinstance(self.function, FunctionType):
            # A cell without contents belongs to a name that is assigned later.
            cells = zip(self.function.__code__.co_freevars, self.function.__closure__ or (), strict=True)
            yield {name: cell.cell_contents for name, cell in cells if _is_filled(cell)}
        parts = getattr(self.function, "__qualname__", "").split(".")[:-1]
        scopes = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
        frame = inspect.currentframe() if scopes else None
        while frame is not None:
            if frame.f_globals is self.globals and frame.f_code.co_qualname in scopes:
                yield frame.f_locals
            frame = frame.f_back

    def resolve(self, annotations: dict[str, object]) -> dict[str, object]:
        """Types for annotations, which may be strings."""
        hints = {name: annotation for name, annotation in annotations.items() if annotation is not UNKNOWN}
        try:
            found = self._evaluate(hints)
        except _UNRESOLVED:
            found = {name: self._resolve_one(name, annotation) for name, annotation in hints.items()}
        return {name: found.get(name, UNKNOWN) for name in annotations}

    def resolve_result(self, annotation: object) -> object:
        """The type of the result; a tool works without one, so it may stay unknown."""
        if annotation is UNKNOWN:
            return UNKNOWN
        try:
            return self._evaluate({"return": annotation})["return"]
        except _UNRESOLVED:
            return UNKNOWN

    def _evaluate(self, hints: dict[str, object], names: Mapping[str, object] | None = None) -> dict[str, object]:
        if names is None:
            names = self.locals if any(isinstance(hint, str) for hint in hints.values()) else {}
        holder = SimpleNamespace(__annotations__=hints)
        return typing.get_type_hints(holder, self.globals, dict(names) if names == {} else names, include_extras=True)

    def _resolve_one(self, argument: str, annotation: object) -> object:
        try:
            return self._evaluate({argument: annotation})[argument]
        except _UNRESOLVED as error:
            # `Context[Deps]` where Deps is imported for type checkers only still says that it is the context.
            guess = self._guess(argument, annotation)
            if find_known(guess, tuple(self.known.values())):
                return guess
            message = (
                f"{self.name}: the annotation {annotation!r} of argument {argument!r} cannot be resolved: {error}; "
                f"import or define its names where {self.name} can see them at run time"
            )
            raise ToolDefinitionError(message) from error

    def _guess(self, argument: str, annotation: object) -> object:
        try:
            return self._evaluate({argument: annotation}, _Missing({**self.globals, **self.known, **self.locals}))[
                argument
            ]
        except _UNRESOLVED:
            return UNKNOWN


_UNRESOLVED = (NameError, AttributeError, TypeError, SyntaxError)
"""What evaluating an annotation raises that does not hold where the function was written."""


def _is_filled(cell: types.CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - reading is the test
    except ValueError:
        return False
    return True


def find_known(hint: object, known: tuple[object, ...]) -> bool:
    """Whether a type is one of those known, bare, with parameters, annotated or in a union."""
    if typing.get_origin(hint) in _ANNOTATED | _UNIONS:
        return any(find_known(part, known) for part in typing.get_args(hint))
    if (meaning := getattr(hint, "__value__", None)) is not None:
        return find_known(meaning, known)
    bare = typing.get_origin(hint) or hint
    return any(
        bare is each or (isinstance(bare, type) and isinstance(each, type) and issubclass(bare, each)) for each in known
    )


_ANNOTATED = frozenset({typing.Annotated})
_UNIONS = frozenset({typing.Union, types.UnionType})


def parts_of_union(hint: object) -> tuple[object, ...]:
    """The members of a union, or nothing."""
    return typing.get_args(hint) if typing.get_origin(hint) in _UNIONS else ()


def describe_type(hint: object) -> str:
    """A type as it is written."""
    return (
        hint.__qualname__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint).replace("typing.", "")
    )
