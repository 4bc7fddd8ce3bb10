"""Reasoning between tags, and streams that repeat themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.chat.growing import Growing
from agentkit.chat.tags import Tags

CONTENTS = [
    ("<think>\nPlan it.\n</think>\n\nDone.", "Plan it.", "Done."),
    ("  <think>a</think>b", "a", "b"),
    ("<think></think>b", "", "b"),
    ("<think>a < b </thin k></think>c", "a < b </thin k>", "c"),
    ("<think>never closed  ", "never closed", ""),
    ("<think>almost closed</thin", "almost closed</thin", ""),
    ("<think>a</think>", "a", ""),
    ("Use <think>this</think>.", "", "Use <think>this</think>."),
    ("<thin", "", "<thin"),
    ("<thinking>a</thinking>", "", "<thinking>a</thinking>"),
    ("  Hi. ", "", "  Hi. "),
    ("<think>a</think>b<think>c</think>", "a", "b<think>c</think>"),
    ("", "", ""),
]


def cut(pieces: list[str], *, inside: bool = False) -> tuple[str, str]:
    """What of a content is reasoning, and what is text."""
    tags = Tags(inside=inside)
    found = [piece for text in pieces for piece in tags.feed(text)] + list(tags.end())
    return "".join(p.text for p in found if p.thought), "".join(p.text for p in found if not p.thought)


@pytest.mark.parametrize(("content", "thought", "text"), CONTENTS)
def test_only_a_tag_at_the_start_holds_reasoning(content, thought, text):
    """Whole or letter by letter, and the space around the tags belongs to neither."""
    assert (thought, text) == cut([content])
    assert (thought, text) == cut(list(content))


def test_the_first_tag_may_stand_in_the_prompt():
    """Some templates open it, so that only the second comes."""
    assert ("Plan it.", "Done.") == cut(["Plan", " it.\n</th", "ink>\n\nDone."], inside=True)


@given(st.lists(st.sampled_from(["<think>", "</think>", "<", "</th", "ink>", " ", "\n", "a", "界"])), st.data())
def test_it_is_the_same_however_it_is_cut(parts, data):
    """Nothing is lost but tags and the space around them."""
    content = "".join(parts)
    places = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=5)))
    pieces = [content[a:b] for a, b in zip([0, *places], [*places, len(content)], strict=True)]

    thought, text = cut(pieces)

    assert cut([content]) == (thought, text)
    if not content.lstrip().startswith("<think>"):
        assert ("", content) == (thought, text)


def test_a_piece_that_repeats_leaves_what_is_new():
    """In texts, and in the entries of details, each by its place."""
    growing = Growing()

    def entry(text: str, index: int = 0) -> dict[str, object]:
        return {"type": "reasoning.text", "index": index, "text": text}

    fresh = [
        growing.fresh(delta)
        for delta in (
            {"content": "Do", "reasoning_details": [entry("Pl")]},
            {"content": "Done", "reasoning_details": [entry("Plan"), entry("B", 1)]},
            {"content": "Done", "role": "assistant"},
            {"content": None},
        )
    ]

    assert [
        {"content": "Do", "reasoning_details": [entry("Pl")]},
        {"content": "ne", "reasoning_details": [entry("an"), entry("B", 1)]},
        {"content": "", "role": "assistant"},
        {"content": None},
    ] == fresh


def test_a_piece_that_does_not_repeat_is_new():
    """A server that changes its ways in the middle loses nothing."""
    growing = Growing()

    assert ["Do", "ne"] == [growing.fresh({"content": text})["content"] for text in ("Do", "ne")]
