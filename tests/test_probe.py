"""Probing: what servers of many kinds are found to do, and the profile that follows."""

import ast
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, fields, replace

import httpx
import pytest

from agentkit.chat.profiles import EVERY_CHOICE, UNKNOWN, Profile
from agentkit.chat.providers import PROFILES
from agentkit.errors import ModelError
from agentkit.messages import Reasoning, Usage
from agentkit.model import Settings
from agentkit.probe.findings import Finding, as_code, profile_from
from agentkit.probe.probe import NAMES, Probe
from agentkit.testing import FakeClock, Fault, ModelServer, call, chunks, completion, reply
from agentkit.testing.local import LocalServer, installed

KEY = "k-0123456789-hidden"
FITS = '{"shade": "teal", "grams": 3}'


@dataclass(frozen=True)
class Ways:
    """What a pretended server does; as it stands it does everything."""

    limits: frozenset = frozenset({"max_tokens", "max_completion_tokens"})
    refused_limits: frozenset = frozenset()
    field: str = "reasoning_content"
    tags: str = ""
    reads: frozenset = frozenset({"reasoning_content"})
    needs: str = ""
    recalls: bool = True
    whole: bool = True
    pieces: bool = True
    stream_usage: bool = True
    stream_options: bool = True
    unasked: bool = False
    counts: bool = True
    tools: bool = True
    willing: bool = True
    parallel: bool = True
    choices: frozenset = EVERY_CHOICE
    forces_thinking: bool = True
    formats: frozenset = frozenset({"json_schema", "json_object"})
    refused_formats: frozenset = frozenset()
    schema_with_tools: bool = True


def refusal(message):
    return Fault.status(400, {"error": {"message": message, "type": "invalid_request_error", "code": "bad"}})


def pretend(ways):
    """A script's entry that answers as a server with these ways does."""

    def answer(body):
        if (problem := refused(ways, body)) is not None:
            return refusal(problem)
        said = shortened(ways, body, spoken(ways, body))
        if not ways.counts or (body.get("stream") and not ways.stream_usage):
            said = replace(said, usage=Usage())
        if body.get("stream") and not ways.pieces:
            message = {"role": "assistant", "content": said.message.text}
            return Fault.json({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
        if body.get("stream") and ways.unasked:
            return Fault.sse(b"".join(chunks(said, include_usage=True)))
        return said

    return answer


def refused(ways, body):
    kind = (body.get("response_format") or {}).get("type")
    for name in ways.refused_limits & body.keys():
        return f"Unsupported parameter: {name}"
    if not ways.whole and not body.get("stream"):
        return "This model only supports stream mode."
    if not ways.stream_options and "stream_options" in body:
        return "Extra inputs are not permitted: stream_options"
    if kind in ways.refused_formats:
        return f"response_format {kind} is not supported"
    forced = choice_of(body) not in {"auto", "none"}
    if forced and not ways.forces_thinking and body.get("thinking") != {"type": "disabled"}:
        return "tool_choice cannot force a call in thinking mode"
    for message in body["messages"]:
        if ways.needs and message["role"] == "assistant" and ways.needs not in message:
            return f"the {ways.needs} of the turn was not there"
    return None


def choice_of(body):
    choice = body.get("tool_choice", "auto")
    return choice if isinstance(choice, str) else choice["function"]["name"]


def spoken(ways, body):
    """What is said, before a limit cuts it."""
    asked = body["messages"][0]["content"]
    read = [message.get(name, "") for message in body["messages"] for name in ways.reads | {"content"}]
    size = len(" ".join(filter(None, read))) // 4 + (len(json.dumps(body.get("tools", []))) // 4 if ways.tools else 0)
    thought = Reasoning("Let me think.", ways.field) if ways.field else None
    made = calls(ways, body) if ways.tools and body.get("tools") else []
    kind = (body.get("response_format") or {}).get("type")
    text = "It rains in Paris, and it may go on to do so."
    if kind in ways.formats and kind not in ways.refused_formats and not made:
        text = FITS
    elif word := re.search(r"ZELKOVA-\d+", " ".join(filter(None, read))):
        text = word[0] if ways.recalls else "PLATANE"
    elif "Count" in asked:
        text = "one two three four " * 20
    if ways.tags and not made:
        text = f"<think>Let me think.</think>\n\n{text}" if ways.tags == "open" else f"So.\n</think>\n\n{text}"
    said = reply("" if made else text, calls=made, usage=Usage(input=size, output=len(text) // 4 + 3))
    return replace(said, message=replace(said.message, reasoning=thought))


def calls(ways, body):
    choice, question = choice_of(body), body["messages"][0]["content"]
    answered = body["messages"][-1]["role"] == "tool"
    kind = "named" if choice not in EVERY_CHOICE else choice
    if kind not in ways.choices:
        kind = "auto"
    held = "response_format" in body and not ways.schema_with_tools
    wanted = ways.willing and "weather" in question and not answered and not held
    if kind == "none" or (kind == "auto" and not wanted):
        return []
    if kind == "named":
        return [call(choice, city="Paris")]
    cities = ["Paris", "Tokyo"] if "Tokyo" in question and ways.parallel else ["Paris"]
    return [call("get_weather", city=city) for city in cities]


def shortened(ways, body, said):
    limit = min((body[name] for name in ways.limits & body.keys()), default=10_000)
    if said.usage.output <= limit:
        return said
    message = replace(said.message, content=said.message.text[: limit * 4])
    return replace(said, message=message, finish_reason="length", usage=Usage(input=said.usage.input, output=limit))


async def probed(*script, base=None, **more):
    """The findings of a server with this script, by their names, and the profile that follows."""
    async with ModelServer(*script, repeat_last=True, **more) as server:
        probe = Probe("any", base_url=server.base_url, clock=FakeClock(auto=True))
        findings = await probe.run(lambda _: None)
        sent = len(server.requests)
    assert NAMES == tuple(finding.name for finding in findings)
    assert sent == probe.calls
    return {finding.name: finding for finding in findings}, profile_from(findings, base or UNKNOWN)


def verdicts(found, *names):
    return [found[name].verdict for name in names]


async def test_a_server_that_does_everything_is_found_to():
    """Every question has the answer yes, and the suggested profile uses what works."""
    found, profile = await probed(pretend(Ways()))

    assert dict.fromkeys(NAMES, "yes") == {name: finding.verdict for name, finding in found.items()}
    assert {"field": "reasoning_content", "tags": "", "opaque": []} == found["reasoning"].facts
    assert re.fullmatch(
        r"the word in it was recalled, and the prompt grew by \d+ tokens", found["reasoning_returned"].detail
    )
    formats = frozenset({"json_schema", "json_object"})
    assert replace(UNKNOWN, name="unknown_probed", output_mode="json_schema", formats=formats) == profile


async def test_every_request_is_bounded_and_says_no_temperature():
    """A probe is cheap: replies are limited from the first to the last, and sampling is the server's."""
    async with ModelServer(pretend(Ways()), repeat_last=True) as server:
        await Probe("any", base_url=server.base_url).run(lambda _: None)
        bodies = server.requests

    assert {16, 1024} == {body.get("max_tokens") or body["max_completion_tokens"] for body in bodies}
    assert not any("temperature" in body for body in bodies)
    assert len(bodies) < 20


async def test_reasoning_that_is_dropped_in_silence_is_found_out():
    """The prompt does not grow and the word is not recalled: reasoning need not go back."""
    found, profile = await probed(pretend(Ways(reads=frozenset())))

    assert "no" == found["reasoning_returned"].verdict
    assert "silently dropped" in found["reasoning_returned"].detail
    assert "drop" == profile.reasoning


async def test_reasoning_that_comes_through_to_a_forgetful_model_is_told_by_its_tokens():
    """The prompt grew, so it came through, whatever the model made of it."""
    found, profile = await probed(pretend(Ways(recalls=False)))

    assert "partly" == found["reasoning_returned"].verdict
    assert "not recalled" in found["reasoning_returned"].detail
    assert "return" == profile.reasoning


async def test_reasoning_under_a_guessed_key_decides_nothing():
    """Where no reasoning came, its key is a guess: that it is dropped is told, and the profile stays."""
    found, profile = await probed(pretend(Ways(field="", reads=frozenset())))

    assert ["no", "no"] == verdicts(found, "reasoning", "reasoning_returned")
    assert "a guess" in found["reasoning_returned"].detail
    assert "return" == profile.reasoning


async def test_reasoning_goes_back_under_the_key_it_came_by():
    """A server that says `reasoning` is sent `reasoning`, and reads it."""
    found, _ = await probed(pretend(Ways(field="reasoning", reads=frozenset({"reasoning"}))))

    assert ("yes", "reasoning") == (
        found["reasoning_returned"].verdict,
        found["reasoning_returned"].facts["field"],
    )


@pytest.mark.parametrize("tags", ["open", "prefilled"])
async def test_reasoning_in_tags_is_found_and_goes_back_in_them(tags):
    """Tags in the content are no words of the answer: the profile says so, and they are sent back as they came."""
    found, profile = await probed(pretend(Ways(field="", tags=tags)))

    assert ["yes", "yes", "yes"] == verdicts(found, "reasoning", "stream_reasoning", "reasoning_returned")
    assert tags == profile.tags


async def test_a_server_that_needs_its_reasoning_back_is_found_out():
    """A turn without reasoning is refused, so every turn has to have the key."""
    found, profile = await probed(pretend(Ways(needs="reasoning_content")))

    assert ["yes", "refused"] == verdicts(found, "reasoning_returned", "reasoning_left_out")
    assert "was not there" in found["reasoning_left_out"].detail
    assert "reasoning_content" == profile.reasoning_required


async def test_a_refusal_that_was_mended_on_the_way_is_a_refusal():
    """The model repairs a request that lacks reasoning, and the finding is what the server said first."""
    lacks = refusal("The `reasoning_content` in the thinking mode must be passed back to the API.")

    def demanding(body):
        turns = [message for message in body["messages"] if message["role"] == "assistant"]
        return pretend(Ways())(body) if all(turn.get("reasoning_content") for turn in turns) else lacks

    found, _ = await probed(demanding)

    assert "refused" == found["reasoning_left_out"].verdict
    assert "must be passed back" in found["reasoning_left_out"].detail


async def test_a_history_that_is_refused_in_any_case_says_nothing_of_reasoning():
    """Where the call itself is refused, with reasoning and without, the profile stays; and so where it was mended."""

    def signing(body, message):
        calls = [each for turn in body["messages"] for each in turn.get("tool_calls", [])]
        return pretend(Ways())(body) if all("extra_content" in each for each in calls) else refusal(message)

    found, profile = await probed(lambda body: signing(body, "This call is not one of mine."))
    mended, same = await probed(lambda body: signing(body, "Function call is missing a thought_signature"))

    assert ["unclear", "unclear"] == verdicts(found, "reasoning_returned", "reasoning_left_out")
    assert "with and without reasoning: HTTP 400" in found["reasoning_returned"].detail
    assert ["yes", "unclear"] == verdicts(mended, "reasoning_returned", "reasoning_left_out")
    assert ("return", "", profile) == (profile.reasoning, profile.reasoning_required, same)


async def test_without_counts_a_word_that_is_not_recalled_shows_nothing():
    """Where no tokens are counted, there is no evidence but the word."""
    found, _ = await probed(pretend(Ways(counts=False, recalls=False)))

    assert ["unclear", "no", "partly"] == verdicts(found, "reasoning_returned", "stream_usage", "whole")


async def test_a_refused_schema_is_a_finding_with_its_category():
    """A refusal is an answer: status, category and the server's words are kept, and the profile goes without."""
    ways = Ways(refused_formats=frozenset({"json_schema"}))
    found, profile = await probed(pretend(ways), base=replace(UNKNOWN, output_mode="json_schema"))

    assert ("refused", "invalid_request", 400) == (
        found["json_schema"].verdict,
        found["json_schema"].facts["category"],
        found["json_schema"].facts["status"],
    )
    assert "HTTP 400 invalid_request" in found["json_schema"].detail
    assert "is not supported" in found["json_schema"].detail
    assert ["unclear", "yes"] == verdicts(found, "json_schema_with_tools", "json_object")
    assert ("tool", frozenset({"json_object"})) == (profile.output_mode, profile.formats)


async def test_ignored_forms_are_told_from_kept_ones():
    """Prose under a schema means that the schema was ignored."""
    found, profile = await probed(pretend(Ways(formats=frozenset())))

    assert ["no", "no"] == verdicts(found, "json_schema", "json_object")
    assert frozenset() == profile.formats


async def test_a_schema_that_keeps_tools_from_being_called_is_for_answers_alone():
    """Where a held answer silences the tools, an agent with tools answers by a tool."""
    base = replace(UNKNOWN, output_mode="json_schema")
    found, profile = await probed(pretend(Ways(schema_with_tools=False)), base=base)

    assert ["yes", "no"] == verdicts(found, "json_schema", "json_schema_with_tools")
    assert ("json_schema_alone", frozenset({"json_schema", "json_object"})) == (profile.output_mode, profile.formats)


async def test_a_server_that_ignores_tool_choice_is_found_out():
    """No choice but auto has an effect."""
    found, profile = await probed(pretend(Ways(choices=frozenset({"auto"}))))

    choices = ("tool_choice_required", "tool_choice_named", "tool_choice_none")
    assert ["no", "no", "no"] == verdicts(found, *choices)
    assert frozenset({"auto"}) == profile.tool_choices


async def test_a_call_that_is_refused_while_the_model_thinks_is_tried_without():
    """Forcing works with thinking disabled only, and the profile says so."""
    found, profile = await probed(pretend(Ways(forces_thinking=False)))

    assert ["partly", "partly"] == verdicts(found, "tool_choice_required", "tool_choice_named")
    assert (False, EVERY_CHOICE) == (profile.forces_thinking, profile.tool_choices)


async def test_a_model_that_calls_at_any_word_shows_no_requirement():
    """A call that comes without being required is no evidence."""

    def eager(body):
        return call("get_weather", city="Paris") if body.get("tools") else pretend(Ways())(body)

    found, profile = await probed(eager)

    assert ["unclear", "no"] == verdicts(found, "tool_choice_required", "tool_choice_none")
    assert "without being told" in found["tool_choice_required"].detail
    assert "required" in profile.tool_choices


async def test_a_model_that_does_not_call_says_nothing_of_its_server():
    """The tool reached the model, which did not use it: what was not seen is unclear."""
    found, profile = await probed(pretend(Ways(willing=False)))

    assert ["unclear", "unclear", "yes", "unclear"] == verdicts(
        found, "tool_call", "parallel_calls", "tool_choice_required", "tool_choice_none"
    )
    assert "the tool did reach it" in found["tool_call"].detail
    assert EVERY_CHOICE == profile.tool_choices


async def test_a_server_that_only_answers_in_text_drops_the_tools():
    """The prompt is as long with tools as without: it is the server that does not pass them on."""
    found, _ = await probed(pretend(Ways(tools=False)))

    assert ["no", "no", "no"] == verdicts(found, "tool_call", "tool_call_stream", "tool_choice_required")
    assert "did not reach the model" in found["tool_call"].detail


async def test_one_call_for_two_cities_is_unclear():
    """A model may ask for the second city later."""
    found, _ = await probed(pretend(Ways(parallel=False)))

    assert "unclear" == found["parallel_calls"].verdict


async def test_calls_without_ids_or_with_broken_arguments_are_told():
    """What is missing of a call is named."""

    def bare(body):
        if not body.get("tools") or body.get("stream"):
            return pretend(Ways())(body)
        made = {"type": "function", "function": {"name": "get_weather", "arguments": '{"city": '}}
        return Fault.json({"choices": [{"message": {"content": None, "tool_calls": [made]}, "finish_reason": "stop"}]})

    found, _ = await probed(bare)

    assert ["partly", "yes"] == verdicts(found, "tool_call", "tool_call_stream")
    assert "no id and arguments that are no JSON object" in found["tool_call"].detail


async def test_streams_without_usage_or_pieces_are_found():
    """A stream that counts nothing, and one that is none."""
    uncounted, _ = await probed(pretend(Ways(stream_usage=False)))
    buffered, _ = await probed(pretend(Ways(pieces=False)))

    assert ["yes", "no"] == verdicts(uncounted, "stream", "stream_usage")
    assert "no" == buffered["stream"].verdict


async def test_a_server_that_refuses_to_be_asked_for_usage_is_not_asked():
    """The profile sends no option that is refused, whether usage comes unasked or not at all."""
    found, profile = await probed(pretend(Ways(stream_options=False)))
    unasked, _ = await probed(pretend(Ways(stream_options=False, unasked=True)))

    assert ["yes", "refused"] == verdicts(found, "stream", "stream_usage")
    assert ["yes", "partly"] == verdicts(unasked, "stream", "stream_usage")
    assert not profile.stream_usage


async def test_a_model_that_only_streams_is_asked_in_streams():
    """The reply in one piece is refused, and all other questions have their answers all the same."""
    found, profile = await probed(pretend(Ways(whole=False)))

    assert ["yes", "refused", "unclear", "yes", "yes", "yes"] == verdicts(
        found, "max_tokens", "whole", "reasoning", "stream", "tool_call", "json_schema"
    )
    assert profile.always_streams


@pytest.mark.parametrize(
    ("ways", "expected", "name"),
    [
        (Ways(limits=frozenset({"max_tokens"})), ["yes", "no"], "max_tokens"),
        (Ways(limits=frozenset({"max_completion_tokens"})), ["no", "yes"], "max_completion_tokens"),
        (Ways(refused_limits=frozenset({"max_tokens"})), ["refused", "yes"], "max_completion_tokens"),
        (Ways(limits=frozenset()), ["no", "no"], "max_tokens"),
    ],
)
async def test_the_limit_that_works_is_the_one_to_use(ways, expected, name):
    """A limit that is ignored or refused is told, and the later questions go under the other."""
    found, profile = await probed(pretend(ways))

    assert expected == verdicts(found, "max_tokens", "max_completion_tokens")
    assert name == profile.max_tokens
    assert "yes" == found["whole"].verdict


async def test_a_busy_moment_does_not_spoil_a_probe():
    """503 and 429 are waited out, and count as requests."""
    busy = Fault.status(503, {"error": {"message": "Overloaded"}})
    slow = Fault.status(429, {"error": {"message": "Slow down"}}, headers={"retry-after": "7"})
    found, _ = await probed(busy, slow, pretend(Ways()))

    assert "yes" == found["max_tokens"].verdict


async def test_a_failure_that_may_pass_is_no_refusal():
    """A server that fails at one question each time leaves it unclear."""

    def broken(body):
        fails = "response_format" in body or "stream" in body
        return Fault.status(500, "oops") if fails else pretend(Ways())(body)

    found, profile = await probed(broken)

    assert ["unclear"] * 4 == verdicts(found, "stream", "stream_usage", "json_schema", "json_object")
    assert "HTTP 500 server_error" in found["json_schema"].detail
    assert UNKNOWN == profile


async def test_not_found_in_the_middle_is_about_the_question():
    """Gateways say 404 of a feature: who has answered before knows the model."""
    lacking = Fault.status(404, {"error": {"message": "No endpoints found that support tool use."}})

    def gateway(body):
        return lacking if body.get("tools") else pretend(Ways())(body)

    found, _ = await probed(gateway)

    assert ["yes", "refused", "yes"] == verdicts(found, "whole", "tool_call", "json_schema")


@pytest.mark.parametrize(
    ("status", "code", "category"),
    [(401, "invalid_api_key", "auth"), (404, "model_not_found", "not_found"), (402, "insufficient_quota", "quota")],
)
async def test_what_answers_every_question_ends_the_probe(status, code, category):
    """A bad key, an unknown model, an empty account: there is nothing more to ask."""
    async with ModelServer(Fault.status(status, {"error": {"message": "No.", "code": code}})) as server:
        probe = Probe("any", base_url=server.base_url)
        with pytest.raises(ModelError) as caught:
            await probe.run(lambda _: None)

    assert (category, 1, ()) == (caught.value.category, probe.calls, probe.findings)


async def test_an_account_that_is_empty_in_the_middle_ends_the_probe():
    """What was found before stays to be read, and what it took is counted."""

    def poor(body):
        if "keep it" in body["messages"][0]["content"]:
            return Fault.status(402, {"error": {"message": "Insufficient balance"}})
        return pretend(Ways())(body)

    async with ModelServer(poor, repeat_last=True) as server:
        probe = Probe("any", base_url=server.base_url)
        with pytest.raises(ModelError) as caught:
            await probe.run(lambda _: None)

    assert "quota" == caught.value.category
    assert NAMES[: NAMES.index("reasoning_returned")] == tuple(finding.name for finding in probe.findings)
    assert (len(server.requests), True) == (probe.calls, probe.usage.total > 0)


async def test_an_address_where_nobody_answers_ends_the_probe():
    """A connection that cannot be made is tried again, and then there is nobody to ask."""
    probe = Probe("any", base_url="http://127.0.0.1:9/v1", clock=FakeClock(auto=True))
    with pytest.raises(ModelError) as caught:
        await probe.run(lambda _: None)

    assert ("connection_lost", 4, ()) == (caught.value.category, probe.calls, probe.findings)


async def test_a_call_that_cannot_be_forced_in_any_way_is_refused():
    """The first refusal is the finding, when thinking less does not help either."""

    def stubborn(body):
        return refusal("auto only") if choice_of(body) not in {"auto", "none"} else pretend(Ways())(body)

    found, profile = await probed(stubborn)

    assert ["refused", "refused"] == verdicts(found, "tool_choice_required", "tool_choice_named")
    assert (True, frozenset({"auto", "none"})) == (profile.forces_thinking, profile.tool_choices)


async def test_a_client_of_ones_own_is_used():
    """The probe can be given an httpx client, as a model can."""
    seen = []

    def answer(request):
        seen.append(request)
        return httpx.Response(401, json={"error": {"message": "no"}})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        with pytest.raises(ModelError):
            await Probe("any", base_url="http://models.test/v1", client=client).run(lambda _: None)

    assert 1 == len(seen)


CUT = reply("", finish_reason="length", usage=Usage(input=9, output=1024))
SIGNED = reply("It rains.", usage=Usage(input=9, output=9))
SIGNED = replace(SIGNED, message=replace(SIGNED.message, reasoning=Reasoning(opaque='{"encrypted_content": "xyz"}')))


def short(body):
    """An answer of one word, in one piece."""
    return Fault.json(json.loads(completion(reply("Rain."))))


def limited(body):
    return "Count" in body["messages"][0]["content"]


def plain(body):
    return "Paris?" in body["messages"][0]["content"] and "tools" not in body


def schema(body):
    return "response_format" in body and "tools" not in body


@pytest.mark.parametrize(
    ("where", "said", "name", "verdict", "words"),
    [
        (limited, "One.", "max_tokens", "unclear", "shorter than the limit"),
        (limited, "one " * 100, "max_tokens", "no", "ignored: 400 characters"),
        (plain, CUT, "whole", "unclear", "no text; the reply was cut at 1024 tokens"),
        (plain, "", "whole", "no", "no text"),
        (plain, short, "stream", "unclear", "too short to tell"),
        (plain, SIGNED, "reasoning", "yes", "as opaque data, with encrypted_content"),
        (plain, SIGNED, "reasoning_returned", "unclear", "cannot be made up"),
        (schema, '{"shade": "red"}', "json_schema", "partly", "does not fit"),
        (schema, replace(CUT, message=reply('{"a": {"b": "c').message), "json_object", "yes", "was cut"),
        (schema, CUT, "json_schema", "unclear", "no text; the reply was cut"),
        (
            lambda body: "response_format" in body and "tools" in body,
            "Rain.",
            "json_schema_with_tools",
            "unclear",
            "nei",
        ),
        (lambda body: "tools" in body and "tool_choice" not in body, CUT, "tool_call", "unclear", "no call; the reply"),
        (
            lambda body: body.get("tool_choice") == "required",
            CUT,
            "tool_choice_required",
            "unclear",
            "neither a call nor",
        ),
        (lambda body: isinstance(body.get("tool_choice"), dict), CUT, "tool_choice_named", "unclear", "was cut"),
        (lambda body: "keep it" in body["messages"][0]["content"], CUT, "reasoning_returned", "no", "dropped"),
    ],
)
async def test_what_a_reply_does_not_show_is_not_made_of_it(where, said, name, verdict, words):
    """Cut, empty, short and odd replies are told for what they are."""
    found, _ = await probed(lambda body: said if where(body) else pretend(Ways(field=""))(body))

    assert verdict == found[name].verdict, found[name]
    assert words in found[name].detail


async def test_reasoning_elsewhere_in_a_stream_is_told():
    """A stream that has no reasoning, or has it under another key, is unlike a whole reply."""
    silent, _ = await probed(lambda body: pretend(Ways(field="" if body.get("stream") else "reasoning"))(body))
    other, _ = await probed(
        lambda body: pretend(Ways(field="reasoning_text" if body.get("stream") else "reasoning"))(body)
    )

    assert ["yes", "unclear"] == verdicts(silent, "reasoning", "stream_reasoning")
    assert ["yes", "partly"] == verdicts(other, "reasoning", "stream_reasoning")
    assert "as reasoning_text, unlike in a whole reply" in other["stream_reasoning"].detail


async def test_a_recalled_word_counts_even_where_tokens_do_not_tell():
    """A word that stands nowhere else came through, whatever the server counted."""

    def recalling(body):
        word = re.search(r"ZELKOVA-\d+", json.dumps(body["messages"]))
        return reply(word[0], usage=Usage(input=5, output=5)) if word else pretend(Ways())(body)

    uncounted, _ = await probed(pretend(Ways(counts=False)))
    miscounted, _ = await probed(recalling)

    assert ["yes", "yes"] == [each["reasoning_returned"].verdict for each in (uncounted, miscounted)]
    assert "not counted" in uncounted["reasoning_returned"].detail
    assert "did not grow" in miscounted["reasoning_returned"].detail


async def test_reasoning_that_is_refused_is_not_sent_back():
    """A server that refuses the key gets no reasoning, and the refusal is the finding."""

    def strict(body):
        if any("reasoning_content" in message for message in body["messages"]):
            return refusal("Extra inputs are not permitted: reasoning_content")
        return pretend(Ways())(body)

    found, profile = await probed(strict)

    assert ["refused", "yes"] == verdicts(found, "reasoning_returned", "reasoning_left_out")
    assert "drop" == profile.reasoning


async def test_a_server_that_refuses_everything_has_its_findings_too():
    """Each question has its refusal, what hangs on another is unclear, and the profile loses only what was refused."""
    found, profile = await probed(refusal("no"))

    assert {"refused", "unclear"} == {finding.verdict for finding in found.values()}
    assert "no reply yet" in found["reasoning_returned"].detail
    assert frozenset({"auto"}) == profile.tool_choices


# Profiles.


@pytest.mark.parametrize("profile", [UNKNOWN, *PROFILES.values()], ids=lambda profile: profile.name)
def test_code_of_a_profile_is_the_profile(profile):
    """What is printed to be pasted evaluates to an equal profile and says only what is not the default."""
    code = as_code(profile)

    assert profile == eval(code, {"Profile": Profile, "Settings": Settings})
    said = {keyword.arg for keyword in ast.parse(code, mode="eval").body.keywords}
    plain = Profile(name="")
    assert {each.name for each in fields(Profile) if getattr(profile, each.name) != getattr(plain, each.name)} == said


def test_code_keeps_text_that_needs_care():
    """Quotes, backslashes, lines and letters of any alphabet survive."""
    profile = Profile(name='a"b\\c\nd\u2028é😀', body={"x": [None, True, 1.5, {"y": "'"}]}, refused=frozenset({"stop"}))

    assert profile == eval(as_code(profile), {"Profile": Profile})


@pytest.mark.parametrize("profile", [UNKNOWN, *PROFILES.values()], ids=lambda profile: profile.name)
def test_what_is_unclear_changes_no_profile(profile):
    """Nothing is guessed: without evidence the profile is the one that was known."""
    assert profile is profile_from([Finding(name, "unclear", "") for name in NAMES], profile)
    assert profile is profile_from([], profile)


# The command.


def agentkit(*arguments, **variables):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AGENTKIT_", "OPENAI_"))}
    return subprocess.run(
        [sys.executable, "-m", "agentkit", "probe", *arguments],
        env={**clean, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_command_prints_findings_and_a_profile_to_paste():
    """Each finding has its line, the differences are named, and the code at the end makes the model."""
    with ModelServer(pretend(Ways(choices=frozenset({"auto"}))), repeat_last=True, api_key=KEY) as server:
        done = agentkit(server.base_url, "--model", "any", AGENTKIT_API_KEY=KEY)
        code = done.stdout[done.stdout.index("from agentkit import") :]
        namespace = {}
        exec(code, namespace)

    assert (0, "") == (done.returncode, done.stderr)
    assert all(re.search(rf"^{name} +(yes|no) ", done.stdout, re.MULTILINE) for name in NAMES)
    assert "requests, " in done.stdout
    assert "does not know this endpoint" in done.stdout
    assert "  tool_choices: auto; the profile unknown has auto, named, none, required" in done.stdout
    assert "Nothing found speaks against: ollama" in done.stdout
    assert frozenset({"auto"}) == namespace["model"].profile.tool_choices
    assert KEY not in done.stdout


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_what_a_terminal_would_obey_is_shown_instead(form):
    """Escapes, turned writing and half a surrogate pair from a server end nothing, and reach no terminal as they are."""
    with ModelServer("\x1b[2J[red]boo\u202e \ud800 <script>", repeat_last=True) as server:
        done = agentkit(server.base_url, "--model", "\x1b[31many", *form)

    assert (0, "") == (done.returncode, done.stderr)
    assert "\x1b" not in done.stdout
    assert json.loads(done.stdout)["findings"] if form else "\u202e" not in done.stdout


def test_the_command_prints_json_for_programs():
    """The whole report is one object: every finding, what it took, the differences, the profile and the code."""
    with ModelServer(pretend(Ways()), repeat_last=True) as server:
        done = agentkit(server.base_url, "--model", "any", "--json", "--key-env", "MY_KEY", MY_KEY=KEY)
        keys = {headers["authorization"] for headers in server.headers}
    told = json.loads(done.stdout)

    assert (0, "") == (done.returncode, done.stderr)
    assert list(NAMES) == [finding["name"] for finding in told["findings"]]
    assert {"name", "verdict", "detail", "facts"} == told["findings"][0].keys()
    assert (len(server.requests), "any", "unknown", None) == (
        told["calls"],
        told["model"],
        told["known_as"],
        told["error"],
    )
    assert {"known": "tool", "found": "json_schema"} == told["differences"]["output_mode"]
    assert told["usage"]["input"] > 0
    assert {each.name for each in fields(Profile)} == told["profile"].keys()
    assert told["code"].startswith("from agentkit import Chat, Profile\n")
    assert "vllm" in told["fits"]
    assert {f"Bearer {KEY}"} == keys
    assert KEY not in done.stdout


def test_what_the_table_knows_is_where_the_profile_begins():
    """A provider that the table knows keeps all that was not found to be otherwise."""
    with ModelServer(pretend(Ways(formats=frozenset())), repeat_last=True) as server:
        done = agentkit(server.base_url, "--model", "deepseek-v4-pro")
        agrees = agentkit(server.base_url, "--model", "doubao-seed-2.1-pro")

    assert "knows this endpoint as deepseek." in done.stdout
    assert "  formats: none; the profile deepseek has json_object" in done.stdout
    assert re.search(r'reasoning_required="reasoning_content",\n.* +forces_thinking=False', done.stdout, re.DOTALL)
    assert "Nothing found speaks against" not in done.stdout
    assert "It does as the profile doubao_seed says." in agrees.stdout
    assert f'model = Chat("doubao-seed-2.1-pro", base_url="{done.args[4]}")' in agrees.stdout


def test_a_server_that_quotes_the_key_does_not_get_it_printed():
    """Neither a refusal nor an address shows a secret."""

    def telling(body):
        if "response_format" in body:
            return Fault.status(400, {"error": {"message": f"Your key {KEY} may not do this."}})
        return pretend(Ways())(body)

    with ModelServer(telling, repeat_last=True) as server:
        address = server.base_url.replace("http://", f"http://me:{KEY}@")
        done = agentkit(address, "--model", "any", AGENTKIT_API_KEY=KEY)

    assert "Your key" in done.stdout
    assert KEY not in done.stdout + done.stderr


@pytest.mark.parametrize(("status", "code", "said"), [(401, "", "refused the key"), (404, "model_not_found", "any")])
def test_the_command_fails_as_any_command_does(status, code, said):
    """A failure that ends the probe is one sentence and exit code 3."""
    with ModelServer(Fault.status(status, {"error": {"message": f"No, {KEY}.", "code": code}})) as server:
        done = agentkit(server.base_url, "--model", "any", "--json", AGENTKIT_API_KEY=KEY)

    assert (3, "") == (done.returncode, done.stdout)
    assert said in done.stderr
    assert 1 == done.stderr.count("\n")
    assert KEY not in done.stderr


def test_what_was_found_before_a_failure_is_shown():
    """An account that is empty in the middle leaves the findings so far."""
    empty = Fault.status(402, {"error": {"message": "Insufficient balance"}})
    good = pretend(Ways())
    with ModelServer(good, good, good, empty) as server:
        done = agentkit(server.base_url, "--model", "any")

    assert 3 == done.returncode
    assert "max_tokens " in done.stdout
    assert "nothing left" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("http://127.0.0.1:9/v1",), "--model"),
        (("not an address", "--model", "m"), "it must be an address"),
        (("https://models.test/v1", "--model", "m"), "AGENTKIT_API_KEY"),
        (("http://127.0.0.1:9/v1", "--model", "m", "--key-env", "NOT_THERE"), "NOT_THERE"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(arguments, said):
    """What cannot work is said before anything is asked."""
    done = agentkit(*arguments)

    assert 2 == done.returncode
    assert said in done.stderr
    assert "Traceback" not in done.stderr


# The real server of the [local] extra.  Each claim is also looked for in raw requests.

local = pytest.mark.local
needs_local = pytest.mark.skipif(not installed(), reason="needs the [local] extra")

USER = {"role": "user", "content": "What is the weather in Paris?"}
TURN = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "call12345", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
    ],
}
DONE = [USER, TURN, {"role": "tool", "tool_call_id": "call12345", "content": "21 degrees, sunny"}]
SHADES = {
    "type": "object",
    "properties": {"shade": {"enum": ["red", "blue"]}},
    "required": ["shade"],
    "additionalProperties": False,
}


def offered(*names):
    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return [
        {"type": "function", "function": {"name": name, "description": f"{name} of a city.", "parameters": city}}
        for name in names
    ]


@pytest.fixture(scope="module")
def llama():
    with LocalServer() as running:
        yield running


@pytest.fixture(scope="module")
def found_there(llama):
    done = agentkit(llama.base_url, "--model", llama.model, "--json")
    assert 0 == done.returncode, done.stderr
    report = json.loads(done.stdout)
    return {finding["name"]: finding for finding in report["findings"]} | {"report": report}


def raw(llama, messages, **more):
    """A reply as the server sends it."""
    body = {"model": "any", "messages": messages, "max_tokens": 60, **more}
    response = httpx.post(f"{llama.base_url}/chat/completions", json=body, timeout=60)
    response.raise_for_status()
    return response.json()


def said(answer):
    return answer["choices"][0]["message"]


@local
@needs_local
def test_the_local_server_streams_and_counts(llama, found_there):
    """Its streams come in pieces, the last of which counts tokens; and both limits cut."""
    body = {"model": "any", "messages": [USER], "max_tokens": 20, "stream": True}
    body["stream_options"] = {"include_usage": True}
    lines = httpx.post(f"{llama.base_url}/chat/completions", json=body, timeout=60).text.splitlines()
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]
    cut = raw(llama, [USER], max_tokens=None, max_completion_tokens=5)

    names = ("max_tokens", "max_completion_tokens", "whole", "stream", "stream_usage")
    assert ["yes"] * 5 == [found_there[name]["verdict"] for name in names]
    assert len(chunks) > 5
    assert 20 == chunks[-1]["usage"]["completion_tokens"]
    assert "length" == cut["choices"][0]["finish_reason"]


@local
@needs_local
def test_the_local_server_enforces_schemas_and_drops_tools_for_them(llama, found_there):
    """A schema and a JSON object hold against the prompt; beside a schema no tool is called."""
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": SHADES, "strict": True}}
    prose = [{"role": "user", "content": "Say something in prose."}]
    held = raw(llama, prose, response_format=form)
    some_object = raw(llama, prose, response_format={"type": "json_object"}, max_tokens=400)
    beside = raw(llama, [USER], tools=offered("get_weather"), response_format=form)

    names = ("json_schema", "json_object", "json_schema_with_tools")
    assert ["yes", "yes", "no"] == [found_there[name]["verdict"] for name in names]
    assert json.loads(said(held)["content"])["shade"] in {"red", "blue"}
    assert "{" == said(some_object)["content"].lstrip()[0]
    assert not said(beside).get("tool_calls")
    assert ("json_schema_alone", ["json_object", "json_schema"]) == (
        found_there["report"]["profile"]["output_mode"],
        found_there["report"]["profile"]["formats"],
    )


@local
@needs_local
def test_the_local_server_calls_and_cannot_be_forced_to(llama, found_there):
    """A tool is called; neither a requirement nor a name has an effect, and `none` forbids it."""
    tools = offered("get_weather", "get_time")
    called = raw(llama, [USER], tools=tools[:1])
    named = raw(llama, [USER], tools=tools, tool_choice={"type": "function", "function": {"name": "get_time"}})
    required = raw(llama, DONE, tools=tools[:1], tool_choice="required")
    forbidden = raw(llama, [USER], tools=tools[:1], tool_choice="none")

    names = ("tool_call", "tool_call_stream", "tool_choice_required", "tool_choice_named", "tool_choice_none")
    assert ["yes", "yes", "no", "no", "yes"] == [found_there[name]["verdict"] for name in names]
    assert ["get_weather"] == [each["function"]["name"] for each in said(called)["tool_calls"]]
    assert ["get_weather"] == [each["function"]["name"] for each in said(named)["tool_calls"]]
    assert not said(required).get("tool_calls")
    assert not said(forbidden).get("tool_calls")


@local
@needs_local
def test_what_the_small_model_does_not_do_is_unclear(llama, found_there):
    """One call for two cities is the model's doing, and reasoning it never had is dropped under a guessed key."""
    without = raw(llama, DONE, tools=offered("get_weather"))
    back = [USER, TURN | {"reasoning_content": "I think of a lynx. " * 5}, DONE[-1]]
    returned = raw(llama, back, tools=offered("get_weather"))

    names = ("parallel_calls", "reasoning", "reasoning_returned", "reasoning_left_out")
    assert ["unclear", "no", "no", "yes"] == [found_there[name]["verdict"] for name in names]
    assert "a guess" in found_there["reasoning_returned"]["detail"]
    assert without["usage"]["prompt_tokens"] == returned["usage"]["prompt_tokens"]
    assert "return" == found_there["report"]["profile"]["reasoning"]
