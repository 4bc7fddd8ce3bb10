"""Questions about replies: how long they may be, how they come, and what is in them."""

from pydantic import JsonValue

from agentkit.errors import ModelError
from agentkit.messages import Message
from agentkit.probe.asking import Asker, Seen, cut, quoted, thought_in
from agentkit.probe.findings import Finding

TINY = 16
"""The limit that a long answer is asked for under."""

ONE_PIECE = 20
"""Characters of a text that no stream brings in one piece."""

COUNT = Message("user", "Count from 1 to 50 in words.")
PLAIN = Message("user", "What is the weather in Paris? Answer in one short sentence.")


async def _limited(asker: Asker, name: str) -> Finding:
    try:
        seen = await asker.ask(COUNT, extra={name: TINY})
    except ModelError as error:
        if error.category != "invalid_request":
            raise
        # It may be the reply in one piece that was refused: there are models that only stream.
        seen = await asker.ask(COUNT, extra={name: TINY}, stream=True)
    output = seen.reply.usage.output
    facts: dict[str, JsonValue] = {"limit": TINY, "output_tokens": output}
    if seen.cut:
        beside = f"; it counts the answer alone, of {output} tokens" if output and output > 2 * TINY else ""
        return Finding(name, "yes", f"a limit of {TINY} tokens cut the answer{beside}", facts)
    if (output or 0) > TINY or len(seen.text) > 10 * TINY:
        said = f"{output} tokens" if (output or 0) > TINY else f"{len(seen.text)} characters"
        return Finding(name, "no", f"ignored: {said} came under a limit of {TINY} tokens", facts)
    return Finding(name, "unclear", f"the answer was shorter than the limit: {quoted(seen.text)}", facts)


async def max_tokens(asker: Asker) -> tuple[Finding, ...]:
    return (await _limited(asker, "max_tokens"),)


async def max_completion_tokens(asker: Asker) -> tuple[Finding, ...]:
    return (await _limited(asker, "max_completion_tokens"),)


async def whole(asker: Asker) -> tuple[Finding, ...]:
    asker.plain = seen = await asker.ask(PLAIN)
    return (_content("whole", seen), _reasoning("reasoning", seen))


def _content(name: str, seen: Seen) -> Finding:
    counted = seen.reply.usage.input is not None
    facts: dict[str, JsonValue] = {
        "text": bool(seen.text),
        "usage": counted,
        "finish_reason": seen.reply.finish_reason,
        "warnings": list(seen.reply.warnings),
    }
    if not seen.text.strip():
        return Finding(name, "unclear" if seen.cut else "no", f"no text{cut(seen)}", facts)
    unsaid = "finish_reason_missing" in seen.reply.warnings
    stopped = "no finish_reason" if unsaid else f"finish_reason {seen.reply.finish_reason}"
    said = f"text, {'usage' if counted else 'no usage'}, {stopped}"
    return Finding(name, "yes" if counted and not unsaid else "partly", said, facts)


def _reasoning(name: str, seen: Seen) -> Finding:
    thought = thought_in(seen.reply)
    if thought is None:
        return Finding(name, "no", "none came: the model does not think, or not unasked, or the server hides it")
    facts: dict[str, JsonValue] = {"field": thought.field, "tags": thought.tags, "opaque": list(thought.opaque)}
    return Finding(name, "yes", f"it comes {thought}", facts)


async def stream(asker: Asker) -> tuple[Finding, ...]:
    refused = ""
    try:
        seen = await asker.ask(PLAIN, stream=True)
    except ModelError as error:
        if error.category != "invalid_request":
            raise
        asker.counts_streams, refused = False, asker.brief(error)
        seen = await asker.ask(PLAIN, stream=True)
    if asker.plain is None:
        asker.plain, asker.streams = seen, True
    return (_pieces(seen), _stream_usage(seen, refused), _stream_reasoning(seen, asker.found["reasoning"]))


def _pieces(seen: Seen) -> Finding:
    facts: dict[str, JsonValue] = {"pieces": seen.pieces}
    if seen.pieces > 1:
        return Finding("stream", "yes", f"the reply came in {seen.pieces} pieces", facts)
    if len(seen.text) > ONE_PIECE:
        return Finding("stream", "no", f"all {len(seen.text)} characters came in one piece", facts)
    return Finding("stream", "unclear", f"the answer was too short to tell{cut(seen)}", facts)


def _stream_usage(seen: Seen, refused: str) -> Finding:
    counted = seen.reply.usage.input is not None
    if refused:
        unasked = "; it comes unasked" if counted else ""
        facts: dict[str, JsonValue] = {"refused": True}
        return Finding("stream_usage", "partly" if counted else "refused", f"stream_options: {refused}{unasked}", facts)
    said = "comes" if counted else "asked for with stream_options, none came"
    return Finding("stream_usage", "yes" if counted else "no", said, {"refused": False})


def _stream_reasoning(seen: Seen, whole: Finding) -> Finding:
    finding = _reasoning("stream_reasoning", seen)
    if whole.verdict != "yes" or finding.facts == whole.facts:
        return finding
    if finding.verdict != "yes":
        return Finding(finding.name, "unclear", "none in this stream, though a whole reply had some")
    return Finding(finding.name, "partly", f"{finding.detail}, unlike in a whole reply", finding.facts)
