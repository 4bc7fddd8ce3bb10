"""A type as the form of an answer: its schema for the provider, and the answer's text read as a value of it.

Providers want an object, so anything else is asked for as `{"value": …}` and taken out again.
"""

import json
import re
from types import UnionType
from typing import Annotated, Generic, NoReturn, TypeVar, get_args, get_origin

from pydantic import JsonValue, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, to_json

from agentkit.errors import UsageError
from agentkit.schema.callables import describe_type
from agentkit.schema.dialects import drop_nulls
from agentkit.schema.fields import UNDESCRIBABLE
from agentkit.schema.refusals import explain
from agentkit.schema.shapes import json_schema
from agentkit.schema.wording import example, resolve
from agentkit.secrets import scrub

T_co = TypeVar("T_co", covariant=True)

_VALUE = "value"


class OutputRefused(ValueError):
    """An answer is no value of the type.

    Attributes:
        problem: What is wrong, in a few lines for the model.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class OutputType(Generic[T_co]):
    """A type that an answer must have."""

    def __init__(self, annotation: type[T_co] | UnionType, name: str | None = None) -> None:
        try:
            # pydantic takes a union as any other type.
            self._adapter: TypeAdapter[T_co] = TypeAdapter(annotation)  # type: ignore[arg-type]
            schema = json_schema(self._adapter)
        except UNDESCRIBABLE as error:
            message = (
                f"a model cannot answer with {describe_type(annotation)}: {error}; take a dataclass or a pydantic model"
            )
            raise UsageError(message) from error
        root = dict(resolve(schema, schema))
        self.wrapped = root.get("type") != "object"
        """Whether the schema asks for the value inside an object."""
        self.schema: dict[str, JsonValue] = _wrap(schema) if self.wrapped else {"properties": {}, **root}
        """JSON Schema of the answer, which is an object."""
        bare = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
        plain = re.sub(r"(?:\w+\.)+|[^a-zA-Z0-9_-]+", _separate, name or describe_type(bare))
        self.name = plain.strip("_")[:64] or "answer"
        """What the schema is called."""

    def read(self, text: str) -> T_co:
        """The value that an answer's text stands for, also in a fence, and also where it was not wrapped.

        Raises:
            OutputRefused: It is no JSON, or does not fit; it says what was expected.
        """
        text = _unfence(text)
        try:
            value: JsonValue = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            if self.wrapped and not text.startswith(("{", "[", '"')) and (found := self._try(text)):
                return found[0]
            raise OutputRefused(f"The answer is not valid JSON: {error}. Answer with the JSON alone.") from error
        if isinstance(value, dict) and "null" in text:
            # As in a call: where the schema is strict, a model cannot leave anything out.
            value = drop_nulls(value, self.schema)
        inside = self.wrapped and isinstance(value, dict) and value.keys() == {_VALUE}
        meant = [value[_VALUE], value] if inside and isinstance(value, dict) else [value]
        found = next((found for each in meant if (found := self._try(each))), None)
        return found[0] if found else self._check(meant[0])

    def example(self) -> JsonValue:
        """A small answer, as far as the schema says what is valid."""
        return example(self.schema, self.schema)

    def _try(self, value: JsonValue) -> tuple[T_co] | None:
        """The value, in a tuple because it may be None; None when it does not fit."""
        try:
            return (self._adapter.validate_json(to_json(value)),)
        except Exception:  # noqa: BLE001 - as in `_check`
            return None

    def _check(self, value: JsonValue) -> T_co:
        try:
            return self._adapter.validate_json(to_json(value))
        except ValidationError as error:
            errors = error.errors(include_url=False)
        except Exception as error:  # the type's own validators run here, and may raise anything
            raise OutputRefused(f"The answer was refused: {type(error).__name__}: {scrub(str(error))}") from error
        if not self.wrapped:
            raise OutputRefused(explain(errors, value, self.schema))
        # What was not wrapped is told as if it had been, so that its places have the names of the schema.
        located = [ErrorDetails({**each, "loc": (_VALUE, *each["loc"])}) for each in errors]
        raise OutputRefused(explain(located, {_VALUE: value}, self.schema))


def _wrap(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    inner = {key: item for key, item in schema.items() if key != "$defs"}
    wrapped: dict[str, JsonValue] = {
        "type": "object",
        "properties": {_VALUE: inner},
        "required": [_VALUE],
        "additionalProperties": False,
    }
    return {**wrapped, "$defs": schema["$defs"]} if "$defs" in schema else wrapped


def _separate(match: re.Match[str]) -> str:
    """Nothing for the module of a type, and one line for what no name can have."""
    return "" if match[0].endswith(".") and match[0][0].isalnum() else "_"


def _unfence(text: str) -> str:
    text = text.strip()
    if text.startswith("```") and text.endswith("```") and len(text) > len("``````"):
        return re.sub(r"\A[\w+-]*", "", text[3:-3]).strip()
    return text


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")
