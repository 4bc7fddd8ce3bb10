"""What a model is told of a docstring, in each of the four styles."""

import pytest

from agentkit.schema.docstrings import Docstring, read_docstring

GOOGLE = """Find orders.

    The newest come first: always.

    Args:
        customer: Customer number,
            e.g. "C-1024".
        since (date, optional): First day.
        **more: Other filters.

    Warning:
        Slow at night.

    Returns:
        The orders.

    Ask for less if you can.
    """

NUMPY = """Find orders.

    The newest come first: always.

    Parameters
    ----------
    customer, other : str
        Customer number.
    since : date, optional
        First day.

    Returns
    -------
    list
        The orders.

    Notes
    -----
    Slow at night.
    """

REST = """Find orders.

    The newest come first: always.

    :param customer: Customer number,
        e.g. "C-1024".
    :param date since: First day.
    :type customer: str
    :returns: The orders.

    Ask for less if you can.
    """

EPYDOC = """Find orders.

    The newest come first: always.

    @param customer: Customer number.
    @type customer: str
    @return: The orders.
    """

TEXT = "Find orders.\n\nThe newest come first: always."


@pytest.mark.parametrize(
    ("docstring", "text", "arguments"),
    [
        (
            GOOGLE,
            f"{TEXT}\n\nWarning:\n    Slow at night.\n\nAsk for less if you can.",
            {"customer": 'Customer number,\ne.g. "C-1024".', "since": "First day.", "more": "Other filters."},
        ),
        (
            NUMPY,
            f"{TEXT}\n\nNotes\n-----\nSlow at night.",
            {"customer": "Customer number.", "other": "Customer number.", "since": "First day."},
        ),
        (
            REST,
            f"{TEXT}\n\nAsk for less if you can.",
            {"customer": 'Customer number,\ne.g. "C-1024".', "since": "First day."},
        ),
        (EPYDOC, TEXT, {"customer": "Customer number."}),
        ("Find: orders.\n\n  - a: b\nNote: now.", "Find: orders.\n\n  - a: b\nNote: now.", {}),
        ("Find.\n\nArgs:\n  broken\n", "Find.", {}),
        ("Find.\n\nExample body::\n\n    code\n\nArgs:\n    a: x\n", "Find.\n\nExample body::\n\n    code", {"a": "x"}),
    ],
)
def test_text_and_arguments_are_told_apart(docstring, text, arguments):
    """The body is kept whole, sections are cut out, and each argument has its line."""
    assert Docstring(text, arguments) == read_docstring(docstring)


@pytest.mark.parametrize("docstring", [None, "", "   \n  "])
def test_no_docstring_says_nothing(docstring):
    """A function without a docstring has no text and no lines."""
    assert Docstring() == read_docstring(docstring)
