"""Arithmetic that is right: exact where it can be, to 28 digits where it cannot.

Nothing is evaluated as Python: the text is parsed, and only the arithmetic listed here is understood.  What would
grow past a few thousand digits is refused before it is computed.
"""

import ast
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, DecimalException, DivisionByZero, InvalidOperation, Overflow, Underflow, localcontext
from difflib import get_close_matches
from fractions import Fraction

from agentkit import ToolError, tool
from agentkit_tools._numbers import (
    ANY,
    COMPARISONS,
    CONSTANTS,
    EXPONENT,
    FUNCTIONS,
    OPERATORS,
    WORKING,
    Number,
    Wrong,
    exact,
    kept,
    shown,
)

LONGEST = 2_000
"""Characters of an expression."""

_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>0[xXoObB][0-9a-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>\*\*|//|[<>=!]=|[-+*/%(),<>\[\]])",
    re.ASCII,
)
_TYPED = str.maketrans("−–×·÷", "--**/")
_ADVICE = {
    "^": "for powers write **, as in 2**3",
    "=": "to compare write ==; there are no variables",
    "!": "for factorials write factorial(5)",
    ".": "write functions without a prefix, as in sqrt(2)",
    "√": "write sqrt(2)",
    "π": "write pi",
    "$": "leave out currency signs",
    "€": "leave out currency signs",
}


@tool(effect="read")
def calculate(expression: str) -> str:
    """Work out an arithmetic expression exactly, as in "1200 * (1 + 0.19) / 3" or "sqrt(2) > 1.4".

    Operators: + - * / // % ** and comparisons; % is the remainder, ** the power.
    Functions: sqrt, abs, round(x, digits), floor, ceil, min, max, sum, factorial, exp, log(x, base), log10, log2,
    sin, cos, tan (of radians), radians, degrees. Constants: pi, e.
    Whole numbers and decimals are exact; other results are rounded to 28 digits.

    Args:
        expression: One expression, without variables, units, currency signs or thousands separators.
    """
    text = expression.strip()
    try:
        with localcontext(WORKING):
            source = _checked(text)
            return _Reading(source).answer(_tree(source))
    except Wrong as wrong:
        raise ToolError(_located(text, wrong)) from None
    except DecimalException as error:
        raise ToolError(_located(text, Wrong(_reason(error)))) from None
    except (RecursionError, MemoryError):
        raise ToolError("the expression is nested too deeply; work it out in parts") from None


def _located(text: str, wrong: Wrong) -> str:
    quoted = repr(text if len(text) <= 120 else f"{text[:120]}…")  # noqa: PLR2004 - enough to know it by
    place = ""
    if wrong.at is not None:
        rest = text[wrong.at : wrong.at + 20]
        place = f" at character {wrong.at + 1}, {rest!r}" if rest else " at its end"
    return f"{quoted} cannot be worked out{place}: {wrong.message}"


def _reason(error: DecimalException) -> str:
    if isinstance(error, DivisionByZero):
        return "it divides by zero"
    if isinstance(error, Overflow):
        return "a number becomes too large"
    return "a number comes too close to zero" if isinstance(error, Underflow) else "it has no value there"


def _checked(text: str) -> str:
    """The text on one line and in the signs of a keyboard; whatever is no arithmetic is refused."""
    if not text:
        raise Wrong("it is empty")
    if len(text) > LONGEST:
        raise Wrong(f"it has {len(text):,} characters, and {LONGEST:,} are read; work it out in parts")
    source = re.sub(r"\s", " ", text.translate(_TYPED))
    at, last = 0, ""
    while at < len(source):
        found = _TOKEN.match(source, at)
        if found is None:
            raise Wrong(_ADVICE.get(source[at], "this is no sign of arithmetic"), at)
        kind = found.lastgroup or ""
        if kind == "name" and last == "number":
            raise Wrong("write * between two factors, as in 2*pi", at)
        at, last = found.end(), kind
    return source


def _tree(source: str) -> ast.expr:
    try:
        return ast.parse(source, mode="eval").body
    except SyntaxError as error:
        message = "something is missing or too much here" if error.msg == "invalid syntax" else error.msg
        raise Wrong(message, min(max((error.offset or 1) - 1, 0), len(source))) from None


@dataclass(frozen=True, slots=True)
class _Reading:
    """The meaning of a parsed text."""

    source: str

    def answer(self, node: ast.expr) -> str:
        if not isinstance(node, ast.Compare):
            return shown(self.value(node))
        values = [exact(self.value(each)) for each in (node.left, *node.comparators)]
        compared = zip(node.ops, values, values[1:], strict=False)
        return "true" if all(self._comparison(op, node)(left, right) for op, left, right in compared) else "false"

    def value(self, node: ast.expr) -> Number:
        match node:
            case ast.Constant():
                return self._literal(node)
            case ast.Name(id=name):
                return _constant(name, node.col_offset)
            case ast.UnaryOp(op=ast.USub()):
                return -self.value(node.operand)
            case ast.UnaryOp(op=ast.UAdd()):
                return self.value(node.operand)
            case ast.BinOp():
                return self._chain(node)
            case ast.Call():
                return self._call(node)
            case ast.Tuple():
                raise Wrong("a comma parts arguments; write thousands without one, as in 1000", node.col_offset)
        raise Wrong("only numbers, + - * / // % ** and functions may stand here", node.col_offset)

    def _literal(self, node: ast.Constant) -> Number:
        if type(node.value) is int:
            return kept(Fraction(node.value))
        if type(node.value) is not float:
            raise Wrong("only numbers may stand here", node.col_offset)
        try:
            # The text, not the float: 0.1 is a tenth.
            written = Decimal(self.source[node.col_offset : node.end_col_offset])
        except InvalidOperation:
            raise Wrong("its exponent is too large", node.col_offset) from None
        if abs(written.adjusted()) > EXPONENT:
            raise Wrong(f"its exponent is more than {EXPONENT:,}", node.col_offset)
        return Fraction(written)

    def _chain(self, node: ast.BinOp) -> Number:
        """A long sum leans to the left; it is walked, so that its length costs no stack."""
        spine = [node]
        while isinstance(left := spine[-1].left, ast.BinOp):
            spine.append(left)
        value = self.value(left)
        for each in reversed(spine):
            apply = OPERATORS.get(type(each.op))
            if apply is None:
                raise Wrong("the operators are + - * / // % **", each.col_offset)
            value = _at(each.right.col_offset, apply, value, self.value(each.right))
        return value

    def _call(self, node: ast.Call) -> Number:
        if not isinstance(node.func, ast.Name):
            raise Wrong("write * between two factors, as in (1+2)*(3+4)", node.col_offset)
        name = node.func.id
        if name not in FUNCTIONS:
            raise Wrong(_unknown(name, "function", FUNCTIONS), node.col_offset)
        if node.keywords:
            raise Wrong("arguments have no names", node.col_offset)
        arguments = node.args
        if len(arguments) == 1 and isinstance(arguments[0], (ast.List, ast.Tuple)):
            arguments = arguments[0].elts
        function, fewest, most = FUNCTIONS[name]
        if not fewest <= len(arguments) <= most:
            expected = str(fewest) if fewest == most else f"{fewest} or more" if most == ANY else f"{fewest} to {most}"
            raise Wrong(f"{name} takes {expected} arguments, not {len(arguments)}", node.col_offset)
        return _at(node.col_offset, function, *map(self.value, arguments))

    def _comparison(self, op: ast.cmpop, node: ast.Compare) -> Callable[[Fraction, Fraction], bool]:
        if (found := COMPARISONS.get(type(op))) is None:
            raise Wrong("the comparisons are < <= > >= == !=", node.col_offset)
        return found


def _at(position: int, function: Callable[..., Number], *values: Number) -> Number:
    """What a function gives; what is wrong with it is located."""
    try:
        return function(*values)
    except Wrong as wrong:
        raise Wrong(wrong.message, position) from None


def _constant(name: str, at: int) -> Number:
    if name in CONSTANTS:
        return +CONSTANTS[name]
    if name in FUNCTIONS:
        raise Wrong(f"{name} is a function; write {name}(2)", at)
    raise Wrong(_unknown(name, "constant", [*CONSTANTS, *FUNCTIONS]), at)


def _unknown(name: str, kind: str, names: Iterable[str]) -> str:
    near = get_close_matches(name.lower(), list(names), n=1)
    meant = f"; did you mean {near[0]}?" if near else f"; there are {', '.join([*FUNCTIONS, *CONSTANTS])}"
    return f"there is no {kind} {name[:40]!r}{meant}"
