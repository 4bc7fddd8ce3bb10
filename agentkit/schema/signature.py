"""A function's signature and docstring as JSON Schema, and a call's arguments checked against it.

pydantic knows the types, docstring-parser the docstrings.  Values are read as JSON: "5" is an integer and "2024-05-31" a
date, but a name that the function does not take is refused.  `bytes` are text, passed on as UTF-8.
"""

import collections.abc
import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from inspect import Parameter
from typing import TypeVar

from pydantic import JsonValue, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, to_json

from agentkit.errors import ToolDefinitionError
from agentkit.schema.callables import UNKNOWN, Callee, find_known, look_at
from agentkit.schema.docstrings import read_docstring
from agentkit.schema.fields import UNDESCRIBABLE, form_of, is_unpacked, read_parameter
from agentkit.schema.refusals import explain
from agentkit.schema.shapes import json_schema
from agentkit.schema.wording import Node, branches_of, example_of_object, properties_of, required_of, summary

R = TypeVar("R")

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class ArgumentsRefused(ValueError):
    """A call's arguments do not fit.

    Attributes:
        problem: What is wrong, in a few lines for the model.
        advice: The same, with all parameters and a valid example.
    """

    def __init__(self, problem: str, *, advice: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Bound:
    """Arguments ready for a call; the context is put in its place when the call is made."""

    args: tuple[object, ...]
    kwargs: dict[str, object]
    place: int | str | None = None
    """Index or name under which the function takes its context; None when it takes none."""

    def call(self, function: Callable[..., R], context: object) -> R:
        """Call a function with these arguments, and with the context if it takes one."""
        if isinstance(self.place, int):
            return function(*self.args[: self.place], context, *self.args[self.place :], **self.kwargs)
        if self.place is not None:
            return function(*self.args, **self.kwargs, **{self.place: context})
        return function(*self.args, **self.kwargs)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the arguments of a call are handed to the function."""

    positional: tuple[str, ...]
    """Names that are passed by place, the context's too."""
    defaults: Mapping[str, object]
    """For those that may be left out though a later one is given."""
    rest: str | None
    """Name of `*args`."""
    extra: str | None
    """Name of `**kwargs`."""
    injected: str | None

    def bound(self, values: dict[str, object]) -> Bound:
        """The checked values in their places."""
        extra = values.pop(self.extra, {}) if self.extra else {}
        rest = values.pop(self.rest, ()) if self.rest else ()
        assert isinstance(extra, dict)
        assert isinstance(rest, collections.abc.Iterable)
        rest = tuple(rest)
        given = [index for index, name in enumerate(self.positional) if rest or name in values or name == self.injected]
        place: int | str | None = self.injected
        args: list[object] = []
        for name in self.positional[: given[-1] + 1 if given else 0]:
            if name == self.injected:
                place = len(args)
            else:
                args.append(values.pop(name) if name in values else self.defaults[name])
        return Bound((*args, *rest), {**values, **extra}, place)


@dataclass(frozen=True, eq=False)
class Signature:
    """What a model is told of a function, and what its calls are checked against."""

    name: str
    description: str
    parameters: dict[str, JsonValue]
    """JSON Schema of the arguments: an object that takes no others."""
    injected: str | None
    """Name of the parameter that receives the context, which no model sees."""
    _read: Callable[[bytes], dict[str, object]] = field(repr=False)
    _layout: _Layout = field(repr=False)
    _result: object = field(repr=False)

    @property
    def returns(self) -> dict[str, JsonValue] | None:
        """JSON Schema of the result; None where there is no annotation, or none that JSON could hold."""
        return self._returns

    @cached_property
    def _returns(self) -> dict[str, JsonValue] | None:
        if self._result is UNKNOWN:
            return None
        try:
            adapter: TypeAdapter[object] = TypeAdapter(self._result)  # type: ignore[arg-type]  # the type is a value here
            return json_schema(adapter, "serialization")
        except UNDESCRIBABLE:
            return None

    def bind(self, arguments: Mapping[str, JsonValue]) -> Bound:
        """Check the arguments of a call.

        Raises:
            ArgumentsRefused: They do not fit; it says what was expected.
        """
        given = dict(arguments)
        if flaws := [_not_a_number(name) for name in self._numbers if isinstance(given.get(name), bool)]:
            raise self._refuse(flaws, given)
        try:
            return self._layout.bound(self._read(to_json(self._gathered(given))))
        except ValidationError as error:
            raise self._refuse(error.errors(include_url=False), given) from error
        except Exception as error:  # the types' own validators run here, and may raise anything
            flaw = ErrorDetails(type="value_error", loc=(), msg=f"{type(error).__name__}: {error}", input=None)
            raise self._refuse([flaw], given) from error

    def example(self) -> dict[str, JsonValue]:
        """A small valid call: the required arguments alone, or all of them where those would be refused."""
        names = list(properties_of(self.parameters))
        examples = [example_of_object(self.parameters, self.parameters, each) for each in (self._required, names)]
        return next((each for each in examples if self._fits(each)), examples[0])

    def example_text(self) -> str:
        """The example as JSON."""
        return json.dumps(self.example(), ensure_ascii=False)

    def _fits(self, arguments: dict[str, JsonValue]) -> bool:
        try:
            self._read(to_json(self._gathered(arguments)))
        except Exception:  # noqa: BLE001 - as in `bind`
            return False
        return True

    @cached_property
    def _required(self) -> list[str]:
        return required_of(self.parameters)

    @cached_property
    def _numbers(self) -> tuple[str, ...]:
        """Arguments that must be numbers: pydantic would take true for 1."""
        return tuple(name for name, node in properties_of(self.parameters).items() if _is_number(node))

    def _gathered(self, given: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """The arguments with those for `**kwargs` under its name."""
        if self._layout.extra is None:
            return given
        known = properties_of(self.parameters)
        extra = {name: value for name, value in given.items() if name not in known}
        return {**{name: value for name, value in given.items() if name in known}, self._layout.extra: extra}

    def _refuse(self, errors: Sequence[ErrorDetails], given: dict[str, JsonValue]) -> ArgumentsRefused:
        for error in errors:
            if error["loc"][:1] == (self._layout.extra,):
                error["loc"] = error["loc"][1:]
        problem = explain(errors, given, self.parameters)
        advice = f"{problem}\n{self.name} takes:\n{summary(self.parameters)}\nA valid example: {self.example_text()}"
        return ArgumentsRefused(problem, advice=advice)


def _is_number(node: Node) -> bool:
    kinds = {str(branch.get("type")) for branch in branches_of(node)} or {str(node.get("type"))}
    return kinds <= {"integer", "number", "null"} and kinds != {"null"}


def _not_a_number(name: str) -> ErrorDetails:
    return ErrorDetails(type="number_type", loc=(name,), msg="Input should be a number", input=True)


def describe(
    function: Callable[..., object], *, name: str | None = None, description: str | None = None, injected: type
) -> Signature:
    """Read a function.

    Args:
        function: A function, async function, generator function, method, partial, or object that can be called.
        name: What the model calls it by; the function's own name when left out.
        description: What it does; the docstring's text when left out.
        injected: The class of the context; the parameter annotated with it is not shown to the model.

    Raises:
        ToolDefinitionError: The function cannot be described; the message names the argument.
    """
    callee = look_at(function, {injected.__name__: injected})
    title = _checked_name(callee.name if name is None else name)
    docs = [read_docstring(text) for text in callee.docstrings]
    context = _context(title, callee, injected)
    lines = {argument: text for each in reversed(docs) for argument, text in each.arguments.items()}
    parameters = tuple(parameter for parameter in callee.parameters if parameter.name != context)
    arguments = [
        argument for each in parameters for argument in read_parameter(title, each, callee.hints[each.name], lines)
    ]
    form = form_of(title, arguments)
    text = next((each.text for each in docs if each.text), "") if description is None else inspect.cleandoc(description)
    return Signature(title, text, form.schema, context, form.read, _layout(callee, context), callee.returns)


def _checked_name(name: str) -> str:
    if name == "<lambda>":
        raise ToolDefinitionError("a lambda has no name; give one with name=..., or write a function")
    if _NAME.fullmatch(name) is None:
        message = f"{name!r} cannot name a tool: 1 to 64 of the characters a-z, A-Z, 0-9, _ and - can; give another with name=..."
        raise ToolDefinitionError(message)
    return name


def _context(title: str, callee: Callee, injected: type) -> str | None:
    found = [each.name for each in callee.parameters if find_known(callee.hints[each.name], (injected,))]
    if len(found) > 1:
        message = f"{title}: arguments {', '.join(map(repr, found))} all take the {injected.__name__}; only one can"
        raise ToolDefinitionError(message)
    return found[0] if found else None


def _layout(callee: Callee, context: str | None) -> _Layout:
    kinds = {each.name: each.kind for each in callee.parameters}
    rest = next((name for name, kind in kinds.items() if kind is Parameter.VAR_POSITIONAL), None)
    extra = next((name for name, kind in kinds.items() if kind is Parameter.VAR_KEYWORD), None)
    placed = {Parameter.POSITIONAL_ONLY} | ({Parameter.POSITIONAL_OR_KEYWORD} if rest else set())
    positional = tuple(name for name, kind in kinds.items() if kind in placed)
    unpacked = extra is not None and is_unpacked(callee.hints[extra])
    defaults = {each.name: each.default for each in callee.parameters if each.default is not UNKNOWN}
    return _Layout(positional, defaults, rest, None if unpacked else extra, context)
