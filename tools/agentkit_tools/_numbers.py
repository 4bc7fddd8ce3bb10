"""Numbers that are exact while they can be, and rounded to more digits than are shown when they cannot.

Whoever computes does so in the context `WORKING`; no number here grows past it.
"""

import ast
import math
import operator
from collections.abc import Callable
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow, Underflow, localcontext
from fractions import Fraction

Number = Fraction | Decimal
"""A fraction is exact; a decimal is rounded."""

BITS = 10_000
"""Bits of an exact number: about 3,000 digits."""
EXPONENT = 3_000
"""Zeros that a number may be written with."""
SHOWN = 28
"""Significant digits of a result that is no whole number."""
SETTLED = 40
"""Digits of a rounded number that can be relied upon; ten more are computed with."""
WIDEST_ANGLE = 10**9
"""Radians; of a wider angle too few digits remain."""
LARGEST_FACTORIAL = 1_000

WORKING = Context(
    prec=SETTLED + 10, Emax=10_000, Emin=-10_000, traps=[DivisionByZero, InvalidOperation, Overflow, Underflow]
)
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")
E = Decimal("2.71828182845904523536028747135266249775724709369995957496696762772407663035354759")
NOTHING = Decimal("1e-38")
"""A sine below this is the rounding of pi."""
CONSTANTS = {"pi": PI, "e": E}


class Wrong(Exception):
    """What is wrong, and at which character it begins where that is known."""

    def __init__(self, message: str, at: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


def kept(number: Fraction) -> Number:
    """The number, if it is short enough to be carried exactly; a long fraction is rounded."""
    if max(number.numerator.bit_length(), number.denominator.bit_length()) <= BITS:
        return number
    if number.denominator == 1:
        raise Wrong("a whole number becomes longer than 3,000 digits")
    return _rounded(number)


def _rounded(number: Number) -> Decimal:
    return number if isinstance(number, Decimal) else Decimal(number.numerator) / Decimal(number.denominator)


def exact(number: Number) -> Fraction:
    """As a fraction; of a rounded number only the digits that can be relied upon, so that floor(log(8, 2)) is 3."""
    if isinstance(number, Fraction):
        return number
    with localcontext() as context:
        context.prec = SETTLED
        return Fraction(+number)


def _whole(number: Number, what: str) -> int:
    value = exact(number)
    if value.denominator != 1:
        raise Wrong(f"{what} must be a whole number")
    return value.numerator


def shown(number: Number) -> str:
    if isinstance(number, Fraction) and number.denominator == 1:
        return str(number.numerator)
    with localcontext() as context:
        digits = _rounded(number).normalize()
        if Fraction(digits) != number or isinstance(number, Decimal):
            context.prec = SHOWN
            digits = digits.normalize()
        plain = -7 <= digits.adjusted() < max(SHOWN, len(digits.as_tuple().digits))  # noqa: PLR2004 - as floats are shown
        return format(digits, "f" if plain or not digits else "e")


# Operators.


def _either(
    operation: Callable[[Fraction, Fraction], Fraction], rounded: Callable[[Decimal, Decimal], Decimal]
) -> Callable[[Number, Number], Number]:
    """An operation that is exact if both its sides are."""

    def apply(left: Number, right: Number) -> Number:
        if isinstance(left, Fraction) and isinstance(right, Fraction):
            return kept(operation(left, right))
        return rounded(_rounded(left), _rounded(right))

    return apply


_quotient = _either(operator.truediv, operator.truediv)


def _divided(left: Number, right: Number) -> Number:
    _not_zero(right)
    return _quotient(left, right)


def _floored(left: Number, right: Number) -> Number:
    _not_zero(right)
    return kept(Fraction(exact(left) // exact(right)))


def _remainder(left: Number, right: Number) -> Number:
    _not_zero(right)
    rest = kept(exact(left) % exact(right))
    return rest if isinstance(left, Fraction) and isinstance(right, Fraction) else _rounded(rest)


def _not_zero(divisor: Number) -> None:
    if not divisor:
        raise Wrong("this is a division by zero")


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(exponent, Fraction) and exponent.denominator == 1 and isinstance(base, Fraction):
        if not base and exponent < 0:
            raise Wrong("this is a division by zero")
        bits = max(base.numerator.bit_length(), base.denominator.bit_length()) - 1
        if bits * abs(exponent) <= BITS:
            return kept(base**exponent.numerator)
        if base.denominator == 1 and exponent > 0:
            raise Wrong("a whole number becomes longer than 3,000 digits")
    elif base < 0 and exact(exponent).denominator != 1:
        raise Wrong("a negative number has no such power among the real numbers")
    return _rounded(base) ** _rounded(exponent)


OPERATORS: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: _either(operator.add, operator.add),
    ast.Sub: _either(operator.sub, operator.sub),
    ast.Mult: _either(operator.mul, operator.mul),
    ast.Div: _divided,
    ast.FloorDiv: _floored,
    ast.Mod: _remainder,
    ast.Pow: _power,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[Fraction, Fraction], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


# Functions.


def _sqrt(x: Number) -> Number:
    if x < 0:
        raise Wrong("a negative number has no square root among the real numbers")
    if isinstance(x, Fraction):
        root = Fraction(math.isqrt(x.numerator), math.isqrt(x.denominator))
        if root * root == x:
            return root
    return _rounded(x).sqrt()


def _log(x: Number, base: Number = E) -> Number:
    if x <= 0 or base <= 0 or base == 1:
        raise Wrong("a logarithm is of a number above 0, to a base above 0 that is not 1")
    number = _rounded(x)
    if base is E:
        return number.ln()
    return number.log10() if base == 10 else number.ln() / _rounded(base).ln()  # noqa: PLR2004 - the base of log10


def _sin(x: Number) -> Number:
    return _sine(_angle(x))


def _cos(x: Number) -> Number:
    with localcontext() as context:
        context.prec = len(PI.as_tuple().digits)
        turned = _angle(x) + PI / 2
    return _sine(turned)


def _tan(x: Number) -> Number:
    if not (cosine := _cos(x)):
        raise Wrong("a right angle has no tangent")
    return _rounded(_sin(x)) / _rounded(cosine)


def _angle(x: Number) -> Decimal:
    angle = _rounded(x)
    if abs(angle) > WIDEST_ANGLE:
        raise Wrong(f"angles go up to {WIDEST_ANGLE:,} radians")
    return angle


def _sine(x: Decimal) -> Decimal:
    """By its series, after whole turns are taken off."""
    with localcontext() as context:
        context.prec = len(PI.as_tuple().digits)
        context.clear_traps()
        angle = x - 2 * PI * (x / (2 * PI)).to_integral_value()
        term, total, step = angle, angle, 1
        while total + term != total:
            step += 2
            term *= -angle * angle / (step * (step - 1))
            total += term
    return Decimal(0) if abs(x) > 1 and abs(total) < NOTHING else +total


def _round(x: Number, digits: Number = Fraction(0)) -> Number:
    places = _whole(digits, "the number of digits")
    if abs(places) > EXPONENT:
        raise Wrong(f"the number of digits is more than {EXPONENT:,}")
    return kept(round(exact(x), places))


def _factorial(x: Number) -> Number:
    n = _whole(x, "what a factorial is of")
    if not 0 <= n <= LARGEST_FACTORIAL:
        raise Wrong(f"factorials go from 0 to {LARGEST_FACTORIAL:,}")
    return Fraction(math.factorial(n))


def _sum(*values: Number) -> Number:
    total: Number = Fraction(0)
    for value in values:
        total = OPERATORS[ast.Add](total, value)
    return total


Function = tuple[Callable[..., Number], int, int]
"""What it does, and the fewest and the most arguments it takes."""

ANY = 10_000
"""As many arguments as there are."""
FUNCTIONS: dict[str, Function] = {
    "sqrt": (_sqrt, 1, 1),
    "abs": (lambda x: -x if x < 0 else x, 1, 1),
    "round": (_round, 1, 2),
    "floor": (lambda x: kept(Fraction(math.floor(exact(x)))), 1, 1),
    "ceil": (lambda x: kept(Fraction(math.ceil(exact(x)))), 1, 1),
    "min": (lambda *values: min(values, key=exact), 1, ANY),
    "max": (lambda *values: max(values, key=exact), 1, ANY),
    "sum": (_sum, 1, ANY),
    "factorial": (_factorial, 1, 1),
    "exp": (lambda x: _rounded(x).exp(), 1, 1),
    "log": (_log, 1, 2),
    "log10": (lambda x: _log(x, Fraction(10)), 1, 1),
    "log2": (lambda x: _log(x, Fraction(2)), 1, 1),
    "sin": (_sin, 1, 1),
    "cos": (_cos, 1, 1),
    "tan": (_tan, 1, 1),
    "radians": (lambda x: _rounded(x) * PI / 180, 1, 1),
    "degrees": (lambda x: _rounded(x) * 180 / PI, 1, 1),
}
