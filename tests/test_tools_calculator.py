import operator
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit import ToolError
from agentkit_tools import calculate


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0.1 + 0.2", "0.3"),
        ("1/3", "0.3333333333333333333333333333"),
        ("1/3*3", "1"),
        ("1200 * (1 + 0.19) / 3", "476"),
        ("2**200", str(2**200)),
        ("-7 // 2", "-4"),
        ("-7 % 3", "2"),
        ("7.5 % 2", "1.5"),
        ("-(2 + 3) * +4", "-20"),
        ("(1 + 0.05/365)**3650", "1.648664813765471830213999421"),
        ("123456789012345678901234567890.12 + 0.01", "123456789012345678901234567890.13"),
        ("1_000 + 0xff", "1255"),
        ("12 × 3 ÷ 4", "9"),
        (" 1 +\n 2 ", "3"),
        ("0.00000001234", "1.234e-8"),
        ("-0.0", "0"),
        ("3 * 7 > 20", "true"),
        ("1 < 2 < 2", "false"),
        ("0.1 + 0.2 == 0.3", "true"),
        ("sqrt(2)**2 == 2", "true"),
    ],
)
def test_arithmetic_is_exact_where_it_can_be(expression, expected):
    """Whole numbers and decimals are exact, and what cannot be is rounded to 28 digits."""
    assert expected == calculate(expression)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("sqrt(16)", "4"),
        ("sqrt(2)", "1.414213562373095048801688724"),
        ("sqrt(1/4)", "0.5"),
        ("abs(-2.5)", "2.5"),
        ("round(2.675, 2)", "2.68"),
        ("round(2.5)", "2"),
        ("round(1234.5, -2)", "1200"),
        ("floor(-1.5)", "-2"),
        ("ceil(1.2)", "2"),
        ("min(3, 1/2, pi)", "0.5"),
        ("max([1, 5, 2])", "5"),
        ("sum(1.1, 2.2)", "3.3"),
        ("factorial(20)", "2432902008176640000"),
        ("exp(0)", "1"),
        ("exp(1) - e", "0"),
        ("log(e)", "1"),
        ("log(8, 2)", "3"),
        ("floor(log(8, 2))", "3"),
        ("log10(1000)", "3"),
        ("log2(1024)", "10"),
        ("sin(pi)", "0"),
        ("sin(pi / 6)", "0.5"),
        ("cos(pi)", "-1"),
        ("tan(pi / 4)", "1"),
        ("sin(1)", "0.8414709848078965066525023216"),
        ("sin(1e-30)", "1e-30"),
        ("sin(0)", "0"),
        ("degrees(radians(30))", "30"),
        ("4**0.5", "2"),
        ("pi", "3.141592653589793238462643383"),
        ("pi // 1", "3"),
        ("pi % 1", "0.1415926535897932384626433833"),
    ],
)
def test_functions_give_what_a_person_expects(expression, expected):
    """Functions are rounded where they must be, and a rounding never shows as 0.9999."""
    assert expected == calculate(expression)


@pytest.mark.parametrize(
    ("expression", "part"),
    [
        ("2^3", "at character 2, '^3': for powers write **"),
        ("", "it is empty"),
        ("2 +* 3", "at character 4"),
        ("(1.1", "'(' was never closed"),
        ("2pi", "write * between two factors"),
        ("(1+2)(3)", "write * between two factors"),
        ("1,000", "write thousands without one"),
        ("x + 1", "there is no constant 'x'"),
        ("sqr(2)", "did you mean sqrt?"),
        ("sqrt", "write sqrt(2)"),
        ("math.sqrt(2)", "write functions without a prefix"),
        ("$5", "leave out currency signs"),
        ("5!", "write factorial(5)"),
        ("1 / 0", "at character 5, '0': this is a division by zero"),
        ("1 % 0", "division by zero"),
        ("0**-1", "division by zero"),
        ("sqrt(-1)", "no square root"),
        ("(-8)**(1/3)", "no such power"),
        ("log(0)", "a number above 0"),
        ("log(5, 1)", "that is not 1"),
        ("tan(pi/2)", "no tangent"),
        ("sin(1e12)", "angles go up to"),
        ("sum()", "sum takes 1 or more arguments, not 0"),
        ("sqrt(1, 2)", "sqrt takes 1 argument"),
        ("round(1, 2, 3)", "round takes 1 to 2 arguments, not 3"),
        ("round(1, 0.5)", "must be a whole number"),
        ("round(1, 9999)", "the number of digits is more than"),
        ("factorial(2000)", "factorials go from 0 to 1,000"),
        ("True", "only numbers may stand here"),
        ("1 if 2 else 3", "only numbers"),
        ("1 + (2 < 3)", "only numbers"),
        ("1 << 2", "the operators are"),
        ("7 in 8", "the comparisons are"),
        ("round(x==2)", "only numbers"),
        ("(lambda)(1)", "at character"),
        ("007", "leading zeros"),
        ("1" * 3000, "3,000 characters"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(expression, part):
    """An expression that has no value is a ToolError that says where and what to write instead."""
    with pytest.raises(ToolError) as caught:
        calculate(expression)

    assert part in str(caught.value)


@pytest.mark.parametrize(
    "expression",
    [
        "9**9**9",
        "2**1000000",
        "10**3000 * 10**3000",
        "2.5**100000",
        "2**-100000",
        "1e999999999",
        "1e99999999999999999999999",
        "exp(100000)",
        "exp(-100000)",
        "factorial(factorial(10))",
        "-" * 1_999 + "1",
        "(" * 900 + "1" + ")" * 900,
    ],
)
def test_what_would_grow_without_end_is_refused_at_once(expression):
    """No expression takes noticeable time or memory."""
    started = time.monotonic()
    with pytest.raises(ToolError):
        calculate(expression)

    assert time.monotonic() - started < 1


def test_a_long_sum_is_worked_out():
    """The length of a sum costs no stack."""
    assert "5000" == calculate("+".join(["12.5"] * 400))


def told(call, *args):
    """What the model is told, be it an answer or a refusal."""
    try:
        return call(*args)
    except ToolError as error:
        return str(error)


ARITHMETIC = st.text(alphabet="0123456789.+-*/%()<>=!, []episqrtlogxj_'\"\\\n^", max_size=40)


@given(st.one_of(st.text(), ARITHMETIC))
def test_any_text_has_a_value_or_a_reason(text):
    """Whatever the text, the answer is a string or a ToolError."""
    assert isinstance(told(calculate, text), str)


CALLS = st.recursive(
    st.sampled_from(["0", "1", "2", "0.5", "1e3000", "1e-3000", "pi", "e", "1e9", "7/3"]),
    lambda inner: st.one_of(
        st.tuples(
            st.sampled_from(["sqrt", "abs", "round", "floor", "ceil", "factorial", "exp", "log", "sin", "cos", "tan"]),
            inner,
        ).map(lambda pair: f"{pair[0]}({pair[1]})"),
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%", "**"]), inner).map(
            lambda triple: "({}{}{})".format(*triple)
        ),
        st.tuples(inner, inner).map(lambda pair: "log({},{})".format(*pair)),
    ),
    max_leaves=8,
)


@given(CALLS)
def test_any_well_formed_expression_has_a_value_or_a_reason(expression):
    """Numbers of every size meet every function without another error than ToolError."""
    assert isinstance(told(calculate, expression), str)


OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "//": operator.floordiv, "%": operator.mod}
INTEGERS = st.recursive(
    st.integers(-(10**12), 10**12).map(lambda n: (f"({n})", n)),
    lambda inner: st.tuples(inner, st.sampled_from(sorted(OPERATIONS)), inner).map(
        lambda triple: (f"({triple[0][0]}{triple[1]}{triple[2][0]})", _applied(triple[1], triple[0][1], triple[2][1]))
    ),
    max_leaves=12,
)


def _applied(sign, left, right):
    """Python's own value; None where there is none."""
    if left is None or right is None or (sign in {"//", "%"} and right == 0):
        return None
    return OPERATIONS[sign](left, right)


@given(INTEGERS)
def test_whole_numbers_agree_with_python(pair):
    """Every expression of whole numbers has the value Python gives it."""
    expression, expected = pair
    if expected is None:
        with pytest.raises(ToolError):
            calculate(expression)
    else:
        assert str(expected) == calculate(expression)


@given(st.integers(-50, 50), st.integers(0, 60))
def test_powers_agree_with_python(base, exponent):
    """Whole powers are exact."""
    assert str(base**exponent) == calculate(f"({base})**{exponent}")


def test_the_model_is_told_how_to_use_it():
    """It is a tool that reads, with a description of its one argument."""

    assert ("calculate", "read", ["expression"]) == (
        calculate.name,
        calculate.options.effect,
        list(calculate.parameters["properties"]),
    )
