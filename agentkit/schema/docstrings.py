"""What a docstring tells a model: the text, and a line for each argument.

Google, NumPy, reST and Epydoc are read by docstring-parser.  It forgets what stands after its sections and under
headings it does not know, so the text is cut out here.
"""

import inspect
import re
from dataclasses import dataclass, field

import docstring_parser
from docstring_parser import DocstringStyle

_SECTION = (
    r"args|arguments|parameters|params|other parameters|keyword args|keyword arguments|attributes"
    r"|returns?|yields?|raises|except|exceptions|warns|examples?|see also|references"
)
_GOOGLE = re.compile(rf"(?i)(?:{_SECTION}):\s*")
_NUMPY = re.compile(rf"(?i)(?:{_SECTION})\s*")
_REST = re.compile(
    r":(?:param|parameter|arg|argument|key|keyword|type|attribute|raises?|returns?|rtype|yields?)\b[^:]*:"
)
_EPYDOC = re.compile(r"@(?:param|type|keyword|raises?|returns?|rtype|yields?|ytype)\b[^:]*:")


@dataclass(frozen=True, slots=True)
class Docstring:
    """The parts of a docstring that a model is told."""

    text: str = ""
    """Everything that is not a section about arguments, results, errors or examples."""
    arguments: dict[str, str] = field(default_factory=dict)
    """Descriptions by name, also of a class's attributes."""


def read_docstring(docstring: str | None) -> Docstring:
    """The text and the arguments' descriptions, whatever style they are written in."""
    if not docstring or not (clean := inspect.cleandoc(docstring).strip()):
        return Docstring()
    lines = clean.splitlines()
    styles = {style for index in range(len(lines)) if (style := _style(lines, index))}
    if not styles:
        return Docstring(clean)
    arguments: dict[str, str] = {}
    for style in sorted(styles, key=lambda style: style.value):
        arguments |= _arguments(clean, style)
    return Docstring(_text(lines), arguments)


def _style(lines: list[str], index: int) -> DocstringStyle | None:
    """The style whose section or field begins at a line, if one does."""
    line = lines[index]
    if _NUMPY.fullmatch(line) and index + 1 < len(lines) and re.fullmatch(r"-{3,}\s*", lines[index + 1]):
        return DocstringStyle.NUMPYDOC
    if _GOOGLE.fullmatch(line):
        return DocstringStyle.GOOGLE
    if _REST.match(line):
        return DocstringStyle.REST
    if _EPYDOC.match(line):
        return DocstringStyle.EPYDOC
    return None


def _arguments(clean: str, style: DocstringStyle) -> dict[str, str]:
    try:
        parsed = docstring_parser.parse(clean, style)
    except docstring_parser.ParseError:
        # A docstring is written for people; a slip in it is no reason to refuse the function.
        return {}
    return {
        name.strip().lstrip("*"): param.description.strip()
        for param in parsed.params
        if param.description
        for name in param.arg_name.split(",")
    }


def _text(lines: list[str]) -> str:
    """The lines outside sections and fields."""
    kept: list[str] = []
    section: DocstringStyle | None = None
    for index, line in enumerate(lines):
        begins = _style(lines, index)
        if begins is not None:
            section = begins
        elif section is not None and _ends(section, lines, index):
            section = None
        if section is None:
            kept.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def _ends(section: DocstringStyle, lines: list[str], index: int) -> bool:
    """Whether the text goes on at a line: how far a section reaches differs by style."""
    line, before = lines[index], lines[index - 1]
    if not line or line[0].isspace():
        return False
    if section is DocstringStyle.NUMPYDOC:
        following = lines[index + 1] if index + 1 < len(lines) else ""
        return re.fullmatch(r"-{3,}\s*", following) is not None
    if section is DocstringStyle.GOOGLE:
        return True
    # A field may go on without indentation, until an empty line.
    return not before.strip()
