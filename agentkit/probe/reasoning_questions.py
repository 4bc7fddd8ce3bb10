"""Whether reasoning that is sent back comes through to the model: a word that stands nowhere else is asked for.

That the prompt grows is the better evidence of the two, as a model may know a word and not say it.
"""

import json
import random

from pydantic import JsonValue

from agentkit.errors import ModelError
from agentkit.messages import Message, Reasoning
from agentkit.probe.asking import GREW, Asker, Seen, Thought, cut, growth
from agentkit.probe.findings import Finding, Verdict
from agentkit.probe.tool_questions import CALLED, RESULT, WEATHER

NAMES = ("reasoning_returned", "reasoning_left_out")

KEPT = Message(
    "user",
    "Choose a code word and keep it to yourself. Then look up the weather in Paris, and then answer with your code word alone.",
)


async def reasoning_returned(asker: Asker) -> tuple[Finding, ...]:
    word = f"ZELKOVA-{random.randrange(1000, 10000)}"  # noqa: S311 - nobody else has to be kept from guessing it
    if not asker.origin:
        unknown = "the endpoint has given no reply yet, so there is nobody to send it back to"
        return tuple(Finding(name, "unclear", unknown) for name in NAMES)
    without = await asker.attempt(*_conversation(asker, None), tools=(WEATHER,))
    planted = _planted(word, asker.thought)
    if planted is None:
        made_up = "it comes as opaque data, which cannot be made up"
        return (Finding(NAMES[0], "unclear", made_up), _left_out(asker, without))
    returned = await asker.attempt(*_conversation(asker, planted), tools=(WEATHER,))
    facts: dict[str, JsonValue] = {"seen": asker.thought is not None, "field": planted.field}
    finding, left_out = _came_through(asker, word, returned, without), _left_out(asker, without)
    if _refused(returned) and _refused(without):
        # What is wrong with both is not the reasoning, but a call or a result that the server did not make itself.
        left_out = _in_any_case(left_out)
        finding = _in_any_case(finding) if isinstance(returned, ModelError) else finding
    return (_noted(finding, facts), left_out)


def _came_through(asker: Asker, word: str, returned: Seen | ModelError, without: Seen | ModelError) -> Finding:
    if isinstance(returned, ModelError):
        return asker.failed(NAMES[0], returned)
    return _judged(word, returned, growth(returned, without if isinstance(without, Seen) else None))


def _refused(outcome: Seen | ModelError) -> bool:
    return isinstance(outcome, ModelError) or bool(outcome.refusal)


def _in_any_case(finding: Finding) -> Finding:
    return Finding(finding.name, "unclear", f"refused with and without reasoning: {finding.detail}", finding.facts)


def _conversation(asker: Asker, reasoning: Reasoning | None) -> tuple[Message, ...]:
    call = Message("assistant", reasoning=reasoning, tool_calls=(CALLED,), origin=asker.origin)
    return (KEPT, call, RESULT)


def _planted(word: str, thought: Thought | None) -> Reasoning | None:
    """Reasoning with a word in it, in the place where reasoning was seen; None where it cannot be made."""
    said = f"I choose the code word {word}. First I look up the weather, then I answer with {word} and nothing else."
    if thought is None:
        return Reasoning(said, "reasoning_content")
    if thought.tags:
        begin = "<think>\n" if thought.tags == "open" else ""
        return Reasoning(said, opaque=json.dumps({"content": f"{begin}{said}\n</think>\n\n"}))
    return Reasoning(said, thought.field) if thought.field else None


def _left_out(asker: Asker, without: Seen | ModelError) -> Finding:
    """Whether a turn with a call may come back without its reasoning."""
    if isinstance(without, ModelError):
        return asker.failed(NAMES[1], without)
    if without.refusal:
        return Finding(NAMES[1], "refused", without.refusal)
    return Finding(NAMES[1], "yes", "a turn with a call is taken without its reasoning")


def _judged(word: str, seen: Seen, grown: int | None) -> Finding:
    thought = seen.reply.message.reasoning
    recalled = word in f"{seen.text} {thought.text if thought else ''}"
    verdict: Verdict
    match recalled, grown:
        case True, None:
            verdict, said = "yes", "the word in it was recalled; the tokens were not counted"
        case True, int() if grown >= GREW:
            verdict, said = "yes", f"the word in it was recalled, and the prompt grew by {grown} tokens"
        case True, _:
            verdict, said = "yes", "the word in it was recalled, though the prompt did not grow"
        case _, None:
            verdict, said = "unclear", f"the word in it was not recalled, and the tokens were not counted{cut(seen)}"
        case _, int() if grown >= GREW:
            verdict, said = (
                "partly",
                f"the prompt grew by {grown} tokens, but the word in it was not recalled{cut(seen)}",
            )
        case _:
            verdict, said = "no", "silently dropped, as the prompt did not grow and the word in it was not recalled"
    return Finding(NAMES[0], verdict, said, {"recalled": recalled, "grown": grown})


def _noted(finding: Finding, facts: dict[str, JsonValue]) -> Finding:
    """The finding with what was sent, since a key that was only guessed may be the wrong one."""
    guess = "" if facts["seen"] else f"sent as {facts['field']}, a guess since none came; "
    return Finding(finding.name, finding.verdict, f"{guess}{finding.detail}", {**facts, **finding.facts})
