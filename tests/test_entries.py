"""What a conversation has to be before it is sent, whoever it came from; and what is mended when it was refused."""

import json
import re
from dataclasses import dataclass, replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire import CORPUS

from agentkit import Agent, Chat, Observer, Settings, tool
from agentkit.chat.encode import Encoder
from agentkit.chat.entries import message_fields
from agentkit.chat.parameters import fitted
from agentkit.chat.profiles import UNKNOWN
from agentkit.chat.providers import PROFILES
from agentkit.chat.repairs import repaired
from agentkit.errors import ModelError
from agentkit.events import ModelRetried
from agentkit.messages import File, Image, Message, Reasoning, Text, ToolCall
from agentkit.model import Request, ToolSpec
from agentkit.retry import Retrying
from agentkit.testing import FakeClock

ORIGIN = "example.com/m"
HELLO = Message("user", "Hello!")
ADD = ToolSpec("add", "Add.", {"type": "object", "properties": {}})
PICTURE = Image("data:image/png;base64,AA==")
PICTURED = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
READ = {"role": "assistant", "content": "(read)"}


def called(*ids: str, name: str = "add", arguments: str = "{}", **more) -> Message:
    return Message("assistant", tool_calls=tuple(ToolCall(each, name, arguments) for each in ids), **more)


def answered(*ids: str) -> tuple[Message, ...]:
    return tuple(Message("tool", "1", call_id=each) for each in ids)


def body(*messages, profile=UNKNOWN, settings=None, **request):
    asked = Request(messages=messages, **request)
    taken = fitted(settings or Settings(), profile, tools=bool(asked.tools))
    return json.loads(Encoder("m", profile, ORIGIN).body(asked, taken.settings, stream=False))


def sent(*messages, profile=UNKNOWN, **request):
    return body(*messages, profile=profile, **request)["messages"]


def ids_in(entries):
    """The ids of the calls, and those of the results."""
    calls = [call["id"] for entry in entries for call in entry.get("tool_calls", ())]
    return calls, [entry["tool_call_id"] for entry in entries if entry["role"] == "tool"]


# Ids.

LONG = "call_" + "x" * 60


@pytest.mark.parametrize(
    ("provider", "own", "kept"),
    [
        ("mistral", "D681PevKs", True),
        ("mistral", "call_k1x", False),
        ("mistral", "functions.add:0", False),
        ("openai", "functions.add:0", True),
        ("openai", LONG, False),
        ("openai_reasoning", LONG, False),
        ("azure", LONG, False),
        ("anthropic", "toolu_01A-b", True),
        ("anthropic", "functions.add:0", False),
        ("openrouter", "functions.add:0", False),
        ("kimi", "functions.add:0", True),
        ("doubao_seed", LONG, True),
    ],
)
def test_an_id_is_one_that_the_provider_takes(provider, own, kept):
    """An own id that fits stays; another is replaced, and the result goes by the same."""
    profile = PROFILES[provider]
    calls, results = ids_in(sent(HELLO, called(own), *answered(own), profile=profile))

    assert calls == results
    assert kept == (calls == [own])
    assert re.fullmatch(profile.call_ids or ".*", calls[0])


@given(st.lists(st.text(st.characters(), max_size=70), min_size=1, max_size=30, unique=True))
@pytest.mark.parametrize("provider", [name for name, profile in PROFILES.items() if profile.call_ids])
def test_ids_stay_apart(provider, ids):
    """Whatever they were, no two calls have one id afterwards, and each result still has its call."""
    profile = PROFILES[provider]
    calls, results = ids_in(sent(HELLO, called(*ids), *answered(*ids), profile=profile))

    assert calls == results
    assert len(ids) == len(set(calls))
    assert all(re.fullmatch(profile.call_ids, each) for each in calls)
    # The next request says the same.
    assert calls == ids_in(sent(HELLO, called(*ids), *answered(*ids), HELLO, profile=profile))[0]


# Who may speak after whom.

MISTRAL = PROFILES["mistral"]


def roles(entries):
    return [entry["role"] for entry in entries]


def test_somebody_stands_between_a_tool_and_the_user():
    """Where the user may not speak directly after a tool."""
    spoken = (HELLO, called("abcdefghi"), *answered("abcdefghi"))

    assert READ == sent(*spoken, HELLO, profile=MISTRAL)[3]
    assert ["user", "assistant", "tool", "assistant", "user"] == roles(sent(*spoken, HELLO, profile=MISTRAL))
    assert ["user", "assistant", "tool"] == roles(sent(*spoken, profile=MISTRAL))
    assert ["user", "assistant", "tool", "user"] == roles(sent(*spoken, HELLO))


def test_somebody_stands_before_the_attachments_of_a_tool():
    """They are the user's too, and come after all results of the step."""
    ids = ("abcdefghi", "ABCDEFGHI")
    results = (Message("tool", (PICTURE,), call_id=ids[0]), Message("tool", "2", call_id=ids[1]))
    found = sent(HELLO, called(*ids), *results, Message("assistant", "Done."), profile=MISTRAL)

    assert ["user", "assistant", "tool", "tool", "assistant", "user", "assistant"] == roles(found)
    assert [READ, {"role": "user", "content": [PICTURED]}] == found[4:6]


def test_it_stands_there_in_the_next_request_too():
    """A user who speaks after what a run has sent already is no exception, and nothing before it changes."""
    one, memo = Encoder("m", MISTRAL, ORIGIN), {}
    spoken = (HELLO, called("abcdefghi"), *answered("abcdefghi"))
    before = bytes(one.messages(Request(messages=spoken, memo=memo)))
    after = bytes(one.messages(Request(messages=(*spoken, HELLO), memo=memo)))

    assert after.startswith(before + b",")
    assert [READ, {"role": "user", "content": "Hello!"}] == json.loads(b"[%b]" % after)[3:]


@pytest.mark.parametrize("provider", [name for name, profile in PROFILES.items() if profile.one_system])
def test_a_later_system_message_is_the_users(provider):
    """Where only the first may be the system's; its words are kept, at their place."""
    first, later = Message("system", "Be brief."), Message("system", "Be kind.")
    found = sent(first, HELLO, later, profile=PROFILES[provider])

    assert [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello!"},
        {"role": "user", "content": "Be kind."},
    ] == found
    assert ["system", "user", "system"] == roles(sent(first, HELLO, later))


@pytest.mark.parametrize(
    ("provider", "role"), [("openai_reasoning", "developer"), ("openai", "system"), ("azure", "system")]
)
def test_the_system_speaks_under_the_providers_name(provider, role):
    """Newer models take instructions from a developer."""
    system = Message("system", "Be brief.")

    assert [role, "user", role] == roles(sent(system, HELLO, system, profile=PROFILES[provider]))


# Tools of a conversation.

STRICT = PROFILES["anthropic"]
TWICE = (HELLO, called("a", "b"), *answered("a", "b"), called("c", name="look"), *answered("c"), HELLO)


def test_tools_that_were_called_are_declared_again():
    """Some refuse a conversation with calls when nothing is offered: each name once, and none may be called."""
    found = body(*TWICE, profile=STRICT)

    assert ["add", "look"] == [each["function"]["name"] for each in found["tools"]]
    assert {"type": "object", "properties": {}} == found["tools"][0]["function"]["parameters"]
    assert "none" == found["tool_choice"]


@pytest.mark.parametrize(
    ("messages", "profile", "tools"),
    [(TWICE, UNKNOWN, ()), ((HELLO,), STRICT, ()), (TWICE, STRICT, (ADD,))],
    ids=["taken without", "no calls", "tools offered"],
)
def test_tools_are_declared_again_only_where_it_is_needed(messages, profile, tools):
    """A conversation without calls, or a request with tools, is sent as it is."""
    found = body(*messages, profile=profile, tools=tools)

    assert [spec.name for spec in tools] == [each["function"]["name"] for each in found.get("tools", ())]
    assert "tool_choice" not in found


@pytest.mark.parametrize("provider", [name for name, profile in PROFILES.items() if "none" not in profile.tool_choices])
def test_tools_that_may_not_be_called_are_not_offered(provider):
    """Where the word for that has no effect, nothing is offered."""
    found = body(HELLO, profile=PROFILES[provider], tools=(ADD,), settings=Settings(tool_choice="none"))

    assert {"tools", "tool_choice"}.isdisjoint(found)
    assert "none" == body(HELLO, tools=(ADD,), settings=Settings(tool_choice="none"))["tool_choice"]


# Settings.


@pytest.mark.parametrize(
    ("provider", "settings", "unsent"),
    [
        ("kimi", Settings(temperature=0.5, top_p=0.5), ["temperature", "top_p"]),
        ("doubao_seed", Settings(stop="END"), ["stop"]),
        ("doubao", Settings(stop="END"), []),
        ("qwen", Settings(reasoning_effort="low"), ["reasoning_effort"]),
        ("anthropic", Settings(thinking="enabled", seed=7), ["seed", "thinking"]),
        ("mistral", Settings(seed=7), ["seed"]),
        (
            "ollama",
            Settings(max_completion_tokens=9, parallel_tool_calls=True),
            ["max_completion_tokens", "parallel_tool_calls"],
        ),
        ("openai_gpt54", Settings(reasoning_effort="high"), ["reasoning_effort"]),
        # Forced tools.
        ("deepseek", Settings(tool_choice="required"), ["tool_choice"]),
        ("deepseek", Settings(tool_choice="required", thinking="disabled"), []),
        ("qwen", Settings(tool_choice="add"), ["tool_choice"]),
        ("qwen", Settings(tool_choice="add", thinking="disabled"), []),
        ("qwen", Settings(tool_choice="required", thinking="disabled"), ["tool_choice"]),
        ("glm", Settings(tool_choice="required"), ["tool_choice"]),
        ("kimi_k3", Settings(tool_choice="required", reasoning_effort="max"), []),
        ("kimi", Settings(thinking="enabled", reasoning_effort="low"), ["reasoning_effort"]),
        ("kimi", Settings(tool_choice="required"), ["tool_choice"]),
        ("doubao_seed", Settings(tool_choice="add"), []),
    ],
)
async def test_what_is_not_sent_is_told(provider, settings, unsent):
    """A setting that a provider refuses or ignores is left out, and the reply says so."""
    bodies = []

    def answer(request):
        bodies.append(json.loads(request.content))
        return httpx.Response(200, content=DONE)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        chat = Chat("m", base_url="http://example.com/v1", client=client, profile=provider, retry=None)
        found = await chat.request(Request(messages=(HELLO,), tools=(ADD,), settings=settings), lambda _: None)

    assert sorted(f"not_sent:{name}" for name in unsent) == sorted(found.warnings)
    # A default of the provider's may be there instead.
    assert not {name for name in unsent if bodies[0].get(name) == getattr(settings, name)}


DONE = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"Done."},"finish_reason":"stop"}]}'


# Reasoning and what came with it.


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_own_reasoning_goes_back_letter_for_letter(words):
    """New lines at its beginning and spaces at its end included."""
    thought = Message("assistant", "Hi.", Reasoning(words, "reasoning_content"), origin=ORIGIN)

    assert words == sent(HELLO, thought)[1]["reasoning_content"]


@pytest.mark.parametrize("provider", PROFILES)
def test_nothing_of_another_model_goes_out(provider):
    """Neither its reasoning, nor its opaque data, nor unknown keys of its message and of its calls."""
    call = ToolCall("abcdefghi", "add", "{}", '{"extra_content": {"s": "foreign"}}')
    thought = Reasoning("foreign", "reasoning", '{"encrypted_content": "foreign", "content": "<think>foreign</think>"}')
    other = Message("assistant", "", thought, (call,), extra='{"tag": "foreign"}', origin="example.com/other")

    assert "foreign" not in json.dumps(sent(HELLO, other, *answered("abcdefghi"), profile=PROFILES[provider]))


def test_a_turn_with_reasoning_only_keeps_it():
    """Where reasoning goes back, such a turn is no empty one."""
    thought = Message("assistant", "", Reasoning("Hm.", "reasoning_content"), origin=ORIGIN)

    assert {"role": "assistant", "content": "", "reasoning_content": "Hm."} == sent(HELLO, thought)[1]


async def test_a_run_sends_no_empty_turn():
    """A reply with reasoning only is not sent back: strict servers refuse the whole conversation for it."""
    empty = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"","reasoning_content":"Hm."},"finish_reason":"stop"}]}'
    server = Server(httpx.Response(200, content=empty))
    async with server.client() as client:
        chat = Chat(
            "qwen3-max", base_url="https://dashscope.aliyuncs.com/compatible-mode/v1", api_key="-", client=client
        )
        result = await Agent(chat).run("Hello!")

    assert "Done." == result.output
    assert ["user", "user"] == roles(server.bodies[1]["messages"])


# What cannot be sent as it is.

HALF = "a\ud800b"


@pytest.mark.parametrize(
    ("messages", "request_"),
    [
        ((Message("system", HALF),), {}),
        ((Message("user", (Text(HALF), File(HALF, "data:;base64,AA=="))),), {}),
        ((Message("assistant", HALF, Reasoning(HALF, "reasoning_content"), origin=ORIGIN),), {}),
        ((called("x", name=HALF),), {}),
        ((called(HALF), *answered(HALF)), {}),
        ((called("x", arguments=json.dumps({"a": HALF}, ensure_ascii=False)),), {}),
        ((Message("tool", (Text(HALF), PICTURE), call_id="x"),), {}),
        ((HELLO,), {"tools": (ToolSpec("add", HALF, {"type": "object", "properties": {}}),)}),
    ],
)
@pytest.mark.parametrize("profile", [UNKNOWN, MISTRAL])
def test_half_a_letter_is_no_trouble_anywhere(messages, request_, profile):
    """In words, names, ids, arguments and descriptions it becomes the mark of a letter that was lost."""
    told = json.dumps(body(*messages, profile=profile, **request_), ensure_ascii=False)

    assert told.encode()
    assert "a\ufffdb" in told or messages[-1].call_id == HALF


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('{"a" : 1}', '{"a" : 1}'),
        ("[1]", "{}"),
        ('"add"', "{}"),
        ("7", "{}"),
        ("null", "{}"),
        (" ", "{}"),
        ('{"a": NaN}', "{}"),
        ('{"a": 1', "{}"),
        ('{"a": 1}{"b": 2}', "{}"),
        ("[" * 100_000, "{}"),
        ('```json\n{"a": 1}\n```', '{"a": 1}'),
        ('"{\\"a\\": 1}"', '{"a": 1}'),
    ],
)
def test_arguments_are_an_object(raw, expected):
    """Several servers refuse every later request for one old call that they cannot read."""
    assert expected == sent(HELLO, called("x", arguments=raw))[1]["tool_calls"][0]["function"]["arguments"]


@pytest.mark.parametrize(
    ("message", "content"),
    [
        (Message("user", "Hi."), "Hi."),
        (Message("assistant", "Hi."), "Hi."),
        (Message("assistant", (Text("Hi."), Text("You."))), "Hi.\nYou."),
        (Message("tool", "Hi.", call_id="x"), "Hi."),
        (Message("tool", (Text("Hi."), Text("You.")), call_id="x"), "Hi.\nYou."),
        (Message("tool", "", call_id="x"), ""),
        (called("x"), None),
        (replace(called("x"), content="Hi."), "Hi."),
    ],
)
@pytest.mark.parametrize("provider", PROFILES)
def test_words_are_sent_as_words(message, content, provider):
    """Not as a list of parts, which some models would go on to write themselves."""
    assert content == sent(message, profile=PROFILES[provider])[0]["content"]


# What is mended after a refusal.


class Server:
    """Answers with some responses, and then with one that ends a run."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.bodies: list[dict] = []
        self._answers = list(answers)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content))
        return self._answers.pop(0) if self._answers else httpx.Response(200, content=DONE)

    def assistant(self, number: int) -> dict:
        """The first message of an assistant in a request."""
        return next(entry for entry in self.bodies[number]["messages"] if entry["role"] == "assistant")


def refusal(name: str) -> httpx.Response:
    """A refusal of the corpus."""
    head, _, content = (CORPUS / "errors" / f"{name}.http").read_bytes().partition(b"\r\n\r\n")
    return httpx.Response(int(head.split(b" ")[1]), content=content)


@dataclass(frozen=True)
class Case:
    """A provider that refuses a conversation."""

    refusal: str
    base_url: str
    model: str
    earlier: Message
    before: dict
    """What the message has in the first request, of the keys that change."""
    after: dict

    @property
    def history(self) -> tuple[Message, ...]:
        return HELLO, self.earlier, *answered("x")


CALL = {"id": "x", "type": "function", "function": {"name": "add", "arguments": "{}"}}
SKIPPED = {"extra_content": {"google": {"thought_signature": "skip_thought_signature_validator"}}}
SIGNED = '{"extra_content": {"google": {"thought_signature": "SIG=="}}}'
NOT_KEPT = {"reasoning_content": "(not kept)"}
ARK = Case(
    "ark_400_invalid_signature",
    "https://ark.cn-beijing.volces.com/api/v3",
    "doubao-seed-2.1-pro",
    called(
        "x",
        reasoning=Reasoning("Hm.", "reasoning_content", '{"encrypted_content": "altered"}'),
        origin="ark.cn-beijing.volces.com/doubao-seed-2.1-pro",
    ),
    {"reasoning_content": "Hm.", "encrypted_content": "altered"},
    {"reasoning_content": "Hm."},
)
DEEPSEEK = Case(
    "deepseek_400_reasoning_missing",
    "https://api.deepseek.com",
    "deepseek-v4-pro",
    called("x", origin="elsewhere/m"),
    {"reasoning_content": ""},
    NOT_KEPT,
)
OLDER = replace(DEEPSEEK, refusal="deepseek_400_reasoning_missing_v32", model="deepseek-v3.2")
KIMI = Case("moonshot_400_reasoning_missing", "https://api.moonshot.ai/v1", "kimi-k2.6", called("x"), {}, NOT_KEPT)
GEMINI = Case(
    "gemini_400_array_signature",
    "https://generativelanguage.googleapis.com/v1beta/openai",
    "gemini-3-pro",
    called("x"),
    {"tool_calls": [CALL]},
    {"tool_calls": [CALL | SKIPPED]},
)
CASES = (ARK, DEEPSEEK, OLDER, KIMI, GEMINI)
CHANGING = {"reasoning_content", "encrypted_content"}


def changing(entry: dict, case: Case) -> dict:
    return {key: value for key, value in entry.items() if key in CHANGING | case.before.keys()}


@tool
def add() -> int:
    """Add."""
    return 1


CALLING = json.dumps(
    {"choices": [{"message": {"content": "", "tool_calls": [CALL | {"id": "y"}]}, "finish_reason": "tool_calls"}]}
).encode()


def agent_for(case: Case, client: httpx.AsyncClient, *observers: Observer) -> Agent[str]:
    chat = Chat(case.model, base_url=case.base_url, api_key="-", client=client, retry=None)
    return Agent(Retrying(chat, clock=FakeClock(auto=True)), tools=[add], observers=observers)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.refusal)
async def test_a_refusal_with_a_remedy_costs_one_more_request(case):
    """The conversation is mended, sent again, and stays mended for the rest of the run."""
    server, told = Server(refusal(case.refusal), httpx.Response(200, content=CALLING)), []
    async with server.client() as client:
        result = await agent_for(case, client, told.append).run("And?", history=case.history)

    assert ("Done.", 3) == (result.output, len(server.bodies))
    assert [case.before, case.after, case.after] == [changing(server.assistant(number), case) for number in range(3)]
    retried = [recorded.event for recorded in told if isinstance(recorded.event, ModelRetried)]
    assert ["invalid_request"] == [event.category for event in retried]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.refusal)
async def test_the_same_refusal_a_second_time_is_final(case):
    """The remedy did not help, and there is no other."""
    server = Server(refusal(case.refusal), refusal(case.refusal))
    async with server.client() as client:
        with pytest.raises(ModelError) as caught:
            await agent_for(case, client).run("And?", history=case.history)

    assert (2, False, 2) == (len(server.bodies), caught.value.retryable, caught.value.attempts)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.refusal)
async def test_a_refusal_with_nothing_to_mend_is_final(case):
    """A conversation without a turn of an assistant has nothing that could be missing."""
    server = Server(refusal(case.refusal))
    async with server.client() as client:
        with pytest.raises(ModelError) as caught:
            await agent_for(case, client).run("And?")

    assert (1, False) == (len(server.bodies), caught.value.retryable)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.refusal)
async def test_another_run_is_not_touched(case):
    """What one conversation needs is no business of the next, though the model is the same one."""
    server = Server(refusal(case.refusal))
    async with server.client() as client:
        agent = agent_for(case, client)
        await agent.run("And?", history=case.history)
        await agent.run("And?", history=case.history)

    assert case.before == changing(server.assistant(2), case)


async def test_another_refusal_has_no_remedy():
    """A refusal that says something else is not asked again."""
    server = Server(refusal("openai_400_unsupported_param"))
    async with server.client() as client:
        with pytest.raises(ModelError) as caught:
            await agent_for(KIMI, client).run("And?", history=KIMI.history)

    assert (1, False) == (len(server.bodies), caught.value.retryable)


async def test_what_is_whole_is_left_alone():
    """Reasoning and signatures that are the model's own go on as they were, beside what is mended."""
    own = replace(
        called("x"),
        tool_calls=(ToolCall("x", "add", "{}", SIGNED),),
        origin="generativelanguage.googleapis.com/gemini-3-pro",
    )
    server = Server(refusal(GEMINI.refusal))
    async with server.client() as client:
        history = (HELLO, own, *answered("x"), called("z"), *answered("z"))
        await agent_for(GEMINI, client).run("And?", history=history)

    calls = [call for entry in server.bodies[1]["messages"] for call in entry.get("tool_calls", ())]
    assert [CALL | json.loads(SIGNED), CALL | {"id": "z"} | SKIPPED] == calls


# What is still open.


def test_what_is_mended_is_not_taken_for_the_models_own():
    """A turn of another model that gets a remedy is sent without what only the other model can read."""
    thought = Reasoning("foreign", "reasoning", '{"encrypted_content": "foreign"}')
    call = ToolCall("x", "add", "{}", '{"extra_content": {"s": "foreign"}}')
    other = Message("assistant", "", thought, (call,), extra='{"tag": "foreign"}', origin="example.com/other")

    for repair, provider in (("fill_reasoning", "kimi"), ("skip_signatures", "gemini")):
        found = message_fields(repaired(other, repair, ORIGIN), PROFILES[provider], ORIGIN)
        assert "foreign" not in json.dumps(found)


def test_a_conversation_is_sent_alike_by_the_run_that_made_it_and_by_another():
    """A user who speaks after a tool's attachments is told of them once, or the provider's cache is lost on resuming."""
    one, memo = Encoder("m", MISTRAL, ORIGIN), {}
    spoken = (HELLO, called("abcdefghi"), Message("tool", (PICTURE,), call_id="abcdefghi"))
    one.messages(Request(messages=spoken, memo=memo))
    after = json.loads(b"[%b]" % bytes(one.messages(Request(messages=(*spoken, HELLO), memo=memo))))

    assert sent(*spoken, HELLO, profile=MISTRAL) == after


def test_a_later_system_message_may_follow_a_tool():
    """It is sent as the user's, so somebody has to stand before it as before any user."""
    later = Message("system", "Be kind.")
    found = sent(HELLO, called("abcdefghi"), *answered("abcdefghi"), later, profile=MISTRAL)

    assert ["user", "assistant", "tool", "assistant", "user"] == roles(found)


@pytest.mark.parametrize("provider", ["qwen", "mistral", "openai"])
def test_an_empty_turn_of_a_history_is_left_out(provider):
    """Where its reasoning does not go back, a turn that was nothing else has nothing to say."""
    empty = Message("assistant", "", Reasoning("Hm.", "reasoning_content"), origin="example.com/other")

    assert ["user", "user"] == roles(sent(HELLO, empty, HELLO, profile=PROFILES[provider]))
