"""What two runs are compared by: what was asked, answered, called and returned, each as a text under its name.

Ids, times and what was spent are no part of it: they differ between runs that do the same.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agentkit.arguments import canonical
from agentkit.debug.outline import CallHistory, Passage
from agentkit.events import ApprovalGiven, ModelCalled, ModelReplied, RunForked
from agentkit.messages import Content, File, Image, Message


@dataclass(frozen=True, slots=True)
class Aspect:
    """One thing of a step that can be another one in another run."""

    what: str
    call: str = ""
    """The call that it belongs to, as `tool({…})`."""


Aspects = Mapping[Aspect, str]
"""What is not there has no entry."""


def of_beginning(messages: Sequence[Message]) -> Aspects:
    """What a model is sent first."""
    asked = messages[-1:] if messages and messages[-1].role == "user" else ()
    system = [whole(each.content) for each in messages if each.role == "system"]
    history = [each for each in messages[: len(messages) - len(asked)] if each.role != "system"]
    found = {
        "instructions": "\n".join(system),
        "messages before": "\n".join(_told(each) for each in history),
        "prompt": "\n".join(whole(each.content) for each in asked),
    }
    return {Aspect(what): text for what, text in found.items() if text}


def of_step(step: Passage, offer: str = "") -> Aspects:
    """What a step comes to.

    Args:
        step: All of its events.
        offer: What the model has been told of its tools, as far as that is to be compared.
    """
    found = _changed(step)
    if step.called:
        found |= _asked(step.called[-1], offer)
    if step.replied:
        found |= _answered(step.replied) | {"finish reason": step.finish_reason or ""}
    if step.rejected:
        found["not an answer yet"] = step.rejected.problem
    labelled = _labelled([history for _, history in step.calls])
    found["calls"] = "\n".join(label for label, _ in labelled)
    aspects = {Aspect(what): text for what, text in found.items() if text}
    for label, history in labelled:
        aspects |= {Aspect(what, label): text for what, text in _outcome(history).items()}
    return aspects


def _changed(step: Passage) -> dict[str, str]:
    """What a fork has changed after the beginning."""
    replies = [place for place, each in enumerate(step.events) if isinstance(each.event, ModelReplied)]
    begun = 0 if step.number > 1 else min(replies, default=len(step.events))
    found: dict[str, str] = {}
    for recorded in step.events[begun:]:
        if isinstance(recorded.event, RunForked):
            new = {"instructions": recorded.event.instructions, "prompt": recorded.event.prompt}
            found |= {what: text for what, text in new.items() if text is not None}
    return found


def _asked(called: ModelCalled, offer: str) -> dict[str, str]:
    return {
        "model": called.model,
        "tools": "\n".join(called.tools),
        "offer": offer,
        "settings": called.settings,
        "for an answer only": "yes" if called.last else "",
    }


def _answered(replied: ModelReplied) -> dict[str, str]:
    message = replied.message
    return {
        "replying model": replied.model,
        "reasoning": "" if message.reasoning is None else message.reasoning.text,
        "text": whole(message.content),
    }


def _labelled(histories: Sequence[CallHistory]) -> list[tuple[str, CallHistory]]:
    """Each call under a name that another run has for the same one, whatever its id."""
    seen: Counter[str] = Counter()
    found = []
    for history in histories:
        label = f"{history.call.name}({canonical(history.call.arguments)})"
        seen[label] += 1
        found.append((label if seen[label] == 1 else f"{label} #{seen[label]}", history))
    return found


def _outcome(history: CallHistory) -> dict[str, str]:
    found = {}
    if history.asked or history.given:
        found["approval"] = _decision(history.given)
    if history.finished:
        result = history.finished.result
        text = whole(result.content)
        # A text that is large and as it was is not copied.
        found["result"] = f"failed: {text}" if result.failed else text
    return found


def _decision(given: ApprovalGiven | None) -> str:
    if given is None:
        return "asked"
    if not given.granted:
        return f"refused: {given.reason}" if given.reason else "refused"
    if given.answer is not None:
        return f"answered: {given.answer}"
    return "granted" if given.arguments is None else f"granted with {canonical(given.arguments)}"


def _told(message: Message) -> str:
    calls = [f"{call.name}({canonical(call.arguments)})" for call in message.tool_calls]
    return "\n".join(filter(None, (f"{message.role}: {whole(message.content)}", *calls)))


def whole(content: Content) -> str:
    """All of a content as a text, pictures and documents by their addresses or data."""
    if isinstance(content, str):
        return content
    named = []
    for part in content:
        match part:
            case Image(url):
                named.append(f"[picture {url}]")
            case File(name, data):
                named.append(f"[document {name} {data}]")
            case _:
                named.append(part.text)
    return "\n".join(named)
