"""What a reply cost, from wherever the server put it."""

from agentkit.chat.reading import Json, number_of, object_of
from agentkit.messages import Usage


def usage_in(chunk: Json) -> Json:
    """The count in a chunk, at its top or where some servers have it instead; empty when there is none."""
    return object_of(chunk.get("usage")) or object_of(object_of(chunk.get("x_groq")).get("usage"))


def usage_of(usage: Json) -> Usage:
    """The tokens of a count."""
    prompt = object_of(usage.get("prompt_tokens_details"))
    completion = object_of(usage.get("completion_tokens_details"))
    cached = (prompt.get("cached_tokens"), usage.get("prompt_cache_hit_tokens"), usage.get("cached_tokens"))
    return Usage(
        _count(usage.get("prompt_tokens")),
        _count(usage.get("completion_tokens")),
        next((count for count in map(_count, cached) if count is not None), None),
        _count(completion.get("reasoning_tokens")),
    )


def cost_of(usage: Json) -> float | None:
    """The cost, where the server says it."""
    return number_of(usage.get("cost"))


def _count(value: object) -> int | None:
    number = number_of(value)
    return None if number is None else int(number)
