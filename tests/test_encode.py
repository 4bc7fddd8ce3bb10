"""A request as the bytes of its body."""

import json
from dataclasses import replace

import pytest

from agentkit.chat.encode import Encoder, tool_fields
from agentkit.chat.parameters import fitted
from agentkit.chat.profiles import UNKNOWN, Profile
from agentkit.chat.providers import profile_named
from agentkit.errors import SchemaRefused, UsageError
from agentkit.messages import File, Image, Message, Reasoning, Text, ToolCall
from agentkit.model import OutputFormat, Request, Settings, ToolSpec

ORIGIN = "example.com/m"
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
ADD = ToolSpec("add", "Add.", SCHEMA)
HELLO = Message("user", "Hello!")
THOUGHT = Message(
    "assistant", "Hi.", Reasoning("Hm.", "reasoning_content", '{"encrypted_content": "gA=="}'), origin=ORIGIN
)
PICTURE = Image("data:image/png;base64,AA==")


def encoder(profile: Profile = UNKNOWN) -> Encoder:
    return Encoder("m", profile, ORIGIN)


def body(*messages, settings=None, profile=UNKNOWN, **request):
    asked = Request(messages=messages or (HELLO,), **request)
    taken = fitted(settings or Settings(), profile, tools=bool(asked.tools))
    return json.loads(encoder(profile).body(asked, taken.settings, stream=asked.stream))


def sent(*messages, profile=UNKNOWN):
    return body(*messages, profile=profile)["messages"]


def test_a_plain_request_says_no_more_than_it_must():
    """What nobody asked for is left to the provider."""
    assert {"model": "m", "messages": [{"role": "user", "content": "Hello!"}]} == body()


def test_every_setting_has_its_field():
    """The fields are those of the endpoint's own page and of its family."""
    settings = Settings(
        thinking="enabled",
        reasoning_effort="high",
        max_tokens=65536,
        temperature=0.0,
        top_p=0.5,
        stop=("END", "STOP"),
        seed=7,
        tool_choice="required",
        parallel_tool_calls=False,
        extra_body={"service_tier": "auto"},
    )

    assert {
        "model": "m",
        "temperature": 0.0,
        "top_p": 0.5,
        "stop": ["END", "STOP"],
        "seed": 7,
        "max_tokens": 65536,
        "thinking": {"type": "enabled"},
        "reasoning_effort": "high",
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "stream": True,
        "stream_options": {"include_usage": True},
        "service_tier": "auto",
        "tools": [{"type": "function", "function": {"name": "add", "description": "Add.", "parameters": SCHEMA}}],
        "messages": [{"role": "user", "content": "Hello!"}],
    } == body(settings=settings, tools=(ADD,), stream=True, profile=profile_named("doubao"))


@pytest.mark.parametrize(
    ("settings", "profile", "expected"),
    [
        (Settings(stop="END"), UNKNOWN, {"stop": "END"}),
        (Settings(max_completion_tokens=9), UNKNOWN, {"max_completion_tokens": 9}),
        (Settings(max_tokens=9), Profile(name="x", max_tokens="max_completion_tokens"), {"max_completion_tokens": 9}),
        # An effort beside disabled thinking is refused.
        (Settings(thinking="disabled", reasoning_effort="low"), UNKNOWN, {"thinking": {"type": "disabled"}}),
        (Settings(thinking="enabled"), Profile(name="x", thinking="flag"), {"enable_thinking": True}),
        (Settings(thinking="disabled"), Profile(name="x", thinking="flag"), {"enable_thinking": False}),
        (
            Settings(thinking="enabled", reasoning_effort="low"),
            Profile(name="x", thinking="effort"),
            {"reasoning_effort": "low"},
        ),
        (Settings(thinking="disabled"), Profile(name="x", thinking="effort"), {"reasoning_effort": "none"}),
        (Settings(thinking="enabled"), Profile(name="x", thinking="effort"), {}),
        (Settings(thinking="enabled", reasoning_effort="low"), Profile(name="x", thinking="none"), {}),
        (
            Settings(thinking="enabled", reasoning_effort="low"),
            Profile(name="x", thinking="template"),
            {"chat_template_kwargs": {"enable_thinking": True}, "reasoning_effort": "low"},
        ),
        (Settings(thinking="enabled"), Profile(name="x", thinking="nested"), {"reasoning": {"enabled": True}}),
        (Settings(reasoning_effort="low"), Profile(name="x", thinking="nested"), {"reasoning": {"effort": "low"}}),
        (Settings(), Profile(name="x", thinking="nested"), {}),
        (
            Settings(thinking="enabled"),
            Profile(name="x", thinking_words={"enabled": "adaptive"}, thinking_more={"keep": "all"}),
            {"thinking": {"type": "adaptive", "keep": "all"}},
        ),
        (
            Settings(thinking="disabled"),
            Profile(name="x", thinking_more={"keep": "all"}),
            {"thinking": {"type": "disabled"}},
        ),
        (Settings(seed=1, temperature=0.5), Profile(name="x", refused=frozenset({"seed"})), {"temperature": 0.5}),
        (Settings(), Profile(name="x", defaults=Settings(max_tokens=9)), {"max_tokens": 9}),
        (Settings(max_tokens=5), Profile(name="x", defaults=Settings(max_tokens=9)), {"max_tokens": 5}),
        # The two limits exclude each other, under whatever name.
        (
            Settings(max_completion_tokens=5),
            Profile(name="x", defaults=Settings(max_tokens=9)),
            {"max_completion_tokens": 5},
        ),
        (
            Settings(extra_body={"max_completion_tokens": 5, "thinking": {"type": "disabled"}}),
            Profile(name="x", defaults=Settings(max_tokens=9, reasoning_effort="high")),
            {"max_completion_tokens": 5, "thinking": {"type": "disabled"}},
        ),
        (Settings(), Profile(name="x", body={"reasoning_split": True}), {"reasoning_split": True}),
        # Without tools, what is said about calling them is refused.
        (Settings(tool_choice="auto", parallel_tool_calls=True), UNKNOWN, {}),
        (Settings(extra_body={"stream_options": None}), UNKNOWN, {"stream_options": None}),
    ],
)
def test_a_setting_goes_by_the_providers_name(settings, profile, expected):
    """And what a provider does not take is not sent."""
    found = body(settings=settings, profile=profile)

    assert expected == {key: value for key, value in found.items() if key not in {"model", "messages"}}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("auto", "auto"), ("none", "none"), ("add", {"type": "function", "function": {"name": "add"}})],
)
def test_a_choice_is_a_word_or_a_tool(choice, expected):
    """A tool's name stands for the object that names it."""
    assert expected == body(settings=Settings(tool_choice=choice), tools=(ADD,))["tool_choice"]


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (Profile(name="x", formats=frozenset({"json_object"})), {"type": "json_object"}),
        (Profile(name="x", output_mode="json_object"), {"type": "json_object"}),
        (UNKNOWN, None),
        (
            Profile(name="x", output_mode="json_schema"),
            {"type": "json_schema", "json_schema": {"name": "report", "schema": SCHEMA, "strict": True}},
        ),
    ],
)
def test_the_form_of_the_answer_is_what_the_provider_can_hold_to(profile, expected):
    """A schema where it is enforced, else that the answer is JSON, else nothing."""
    assert expected == body(output=OutputFormat("report", SCHEMA), profile=profile).get("response_format")


def test_tools_of_the_provider_stand_beside_those_of_the_run():
    """Such as a search, which comes in the extra keys of the body."""
    search = {"type": "web_search"}

    assert ["function", "web_search"] == [
        tool["type"] for tool in body(settings=Settings(extra_body={"tools": [search]}), tools=(ADD,))["tools"]
    ]
    assert [search] == body(settings=Settings(extra_body={"tools": [search]}))["tools"]


@pytest.mark.parametrize("extra", [{"x": float("nan")}, {"x": object()}, {"tools": [float("inf")]}, {"messages": []}])
def test_what_cannot_be_sent_is_the_developers_error(extra):
    """It is said before anything is spent."""
    with pytest.raises(UsageError):
        body(settings=Settings(extra_body=extra))


def test_a_message_of_a_user_may_have_parts():
    """Words, pictures and documents, each in its form."""
    parts = (Text("Look."), Image("https://example.com/a.png", "low"), PICTURE, File("a.pdf", "data:;base64,AA=="))

    assert [
        {"type": "text", "text": "Look."},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": PICTURE.url}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:;base64,AA=="}},
    ] == sent(Message("user", parts))[0]["content"]


CALLED = Message("assistant", tool_calls=(ToolCall("x", "add", '{"a" :1}'), ToolCall("y", "add", "{}")))


def test_pictures_of_tools_follow_in_a_message_of_the_user():
    """Where a tool's message is words only, they come after all results of the step, in order."""
    results = (
        Message("tool", (Text("One."), PICTURE), call_id="x"),
        Message("tool", (Image("https://example.com/b.png"),), call_id="y"),
    )
    picture = {"type": "image_url", "image_url": {"url": PICTURE.url}}
    other = {"type": "image_url", "image_url": {"url": "https://example.com/b.png"}}
    found = sent(HELLO, CALLED, *results, Message("user", "And?"))

    assert [
        {"role": "tool", "tool_call_id": "x", "content": "One.\n(1 attachment in the next user message)"},
        {"role": "tool", "tool_call_id": "y", "content": "(1 attachment in the next user message)"},
        {"role": "user", "content": [picture, other]},
        {"role": "user", "content": "And?"},
    ] == found[2:]
    assert found[:5] == sent(HELLO, CALLED, *results)


def test_pictures_stay_with_their_tool_where_they_may():
    """Some providers take parts in a tool's message."""
    result = Message("tool", (Text("One."), PICTURE), call_id="x")

    assert {
        "role": "tool",
        "tool_call_id": "x",
        "content": [{"type": "text", "text": "One."}, {"type": "image_url", "image_url": {"url": PICTURE.url}}],
    } == sent(HELLO, CALLED, result, profile=Profile(name="x", tool_parts=True))[-1]


def test_reasoning_goes_back_verbatim():
    """Under the key it came by, with the data that only the provider can read, on its own message."""
    assert {
        "role": "assistant",
        "content": "Hi.",
        "reasoning_content": "Hm.",
        "encrypted_content": "gA==",
    } == sent(HELLO, THOUGHT)[1]


@pytest.mark.parametrize(
    ("message", "profile"),
    [(replace(THOUGHT, origin="example.com/other"), UNKNOWN), (THOUGHT, Profile(name="x", reasoning="drop"))],
)
def test_reasoning_goes_nowhere_else(message, profile):
    """Another model cannot read it, and some do not take it."""
    assert {"role": "assistant", "content": "Hi."} == sent(HELLO, message, profile=profile)[1]


def test_reasoning_that_was_a_part_goes_back_as_one():
    """A key of its own would be refused where it came in the content."""
    thought = Message("assistant", "Yes.", Reasoning("Hm.", "thinking"), origin=ORIGIN)

    assert {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
            {"type": "text", "text": "Yes."},
        ],
    } == sent(HELLO, thought)[1]


def test_a_key_that_every_message_needs_is_there():
    """Empty, where there was no reasoning; and as it came, where there was."""
    profile = Profile(name="x", reasoning_required="reasoning_content")
    found = sent(HELLO, Message("assistant", "Hi."), HELLO, THOUGHT, profile=profile)

    assert ["", "Hm."] == [found[1]["reasoning_content"], found[3]["reasoning_content"]]


UNKNOWN_KEYS = Message(
    "assistant",
    tool_calls=(ToolCall("x", "add", "{}", '{"extra_content": {"s": 1}}'),),
    extra='{"tag": [1]}',
    origin=ORIGIN,
)
CALL = {"id": "x", "type": "function", "function": {"name": "add", "arguments": "{}"}}


def test_unknown_keys_go_back_to_where_they_came_from():
    """Of the message and of its calls."""
    assert {
        "role": "assistant",
        "content": None,
        "tag": [1],
        "tool_calls": [CALL | {"extra_content": {"s": 1}}],
    } == sent(HELLO, UNKNOWN_KEYS)[1]


def test_unknown_keys_go_nowhere_else():
    """Another server may refuse what it does not know."""
    assert {"role": "assistant", "content": None, "tool_calls": [CALL]} == sent(
        HELLO, replace(UNKNOWN_KEYS, origin="elsewhere/m")
    )[1]
    assert {"role": "assistant", "content": None, "tool_calls": [CALL | {"extra_content": {"s": 1}}]} == sent(
        HELLO, UNKNOWN_KEYS, profile=Profile(name="x", extra_keys=False)
    )[1]


@pytest.mark.parametrize(
    ("raw", "expected"), [('{"a" :1.0,\t"b":"\\u00e9"}', '{"a" :1.0,\t"b":"\\u00e9"}'), ('{"a": ', "{}"), ("", "{}")]
)
def test_arguments_go_back_byte_for_byte(raw, expected):
    """Only what is no object is replaced: servers parse it, and would refuse every later request."""
    called = Message("assistant", tool_calls=(ToolCall("x", "add", raw),))

    assert expected == sent(HELLO, called)[1]["tool_calls"][0]["function"]["arguments"]


def test_half_a_pair_of_surrogates_does_not_end_a_run():
    """It has no UTF-8, and becomes the mark of a letter that was lost; whole letters stay."""
    assert "a\ufffdb 世😀" == sent(Message("user", "a\ud800b 世😀"))[0]["content"]


def test_the_messages_of_the_next_request_begin_with_the_same_bytes():
    """A provider's cache goes by the prefix, and only what is new comes after it."""
    one = encoder()
    history = (Message("system", "Be brief."), HELLO)
    first = one.body(Request(messages=history, tools=(ADD,)), Settings(), stream=False)
    second = one.body(Request(messages=(*history, THOUGHT, HELLO), tools=(ADD,)), Settings(), stream=False)

    assert second.startswith(first.removesuffix(b"]}") + b",")


def test_a_message_is_encoded_once_in_a_run():
    """What a run has sent is sent again as it was: only the new messages are encoded, at the end."""
    one, memo = encoder(), {}
    first = Message("tool", (PICTURE,), call_id="x")
    before = one.messages(Request(messages=(first,), memo=memo))
    size = len(before)
    after = one.messages(Request(messages=(first, Message("user", "and?")), memo=memo))

    assert before is after
    assert bytes(after) == bytes(one.messages(Request(messages=(first, Message("user", "and?")))))
    assert bytes(after[size:]) == b',{"role":"user","content":"and?"}'


def test_another_beginning_is_encoded_anew():
    """A run whose history was changed, as by a fork, sends what it has now."""
    one, memo = encoder(), {}
    one.messages(Request(messages=(Message("user", "one"),), memo=memo))

    assert b'{"role":"user","content":"two"}' == one.messages(Request(messages=(Message("user", "two"),), memo=memo))


def test_tools_are_encoded_once():
    """For as long as they are the same ones."""
    one = encoder()

    assert one.tools((ADD,)) is one.tools((ADD,))
    assert one.tools((ADD,)) != one.tools((replace(ADD, name="sum"),))
    assert b"" == one.tools(())


def test_a_tool_that_cannot_be_told_is_named():
    """The developer is told which provider refuses which tool."""
    strict = replace(ADD, strict=True)

    with pytest.raises(SchemaRefused, match="unknown enforces no schemas, and the tool 'add' is marked strict=True"):
        tool_fields(strict, UNKNOWN)
    assert tool_fields(strict, profile_named("openai"))["function"]["strict"]
