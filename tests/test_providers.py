"""Each provider of the table: what it is sent after a turn with reasoning and a tool, and how it is recognised."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import pytest
from exchanges import EXCHANGES, Exchange
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from agentkit import Agent, Chat, Profile, Result, Settings, UsageError, tool
from agentkit.chat.providers import PROFILES, profile_named, profile_of
from agentkit.events import ModelReplied

# The second request.

ASKED = Settings(thinking="enabled", reasoning_effort="high", max_tokens=4096)
USER = '{"role":"user","content":"How is Oslo?"}'
PLAIN = (
    '{"type":"function","function":{"name":"weather","description":"Look up the weather.","parameters":'
    '{"type":"object","properties":{"city":{"type":"string","description":"Where."},"days":{"maximum":7,"minimum":1,'
    '"type":"integer","description":"How many of them.","default":1}},"required":["city"],"additionalProperties":false}}}'
)
IN_WORDS = (
    '{"type":"function","function":{"name":"weather","description":"Look up the weather.","parameters":'
    '{"type":"object","properties":{"city":{"type":"string","description":"Where."},"days":{"type":"integer","default":1,'
    '"description":"How many of them. At most 7, at least 1."}},"required":["city"],"additionalProperties":false}}}'
)
STREAM = ',"stream":true,"stream_options":{"include_usage":true}'
ONLY_STREAM = ',"stream":true'
BOTH = ("not_sent:reasoning_effort", "not_sent:thinking")


@dataclass(frozen=True)
class Sent:
    """A second request in the parts of it that differ between providers."""

    settings: str
    assistant: str
    result: str
    system: str = "system"
    tool: str = PLAIN
    stream: str = STREAM
    whole: str = ""
    """What is said of streams where none was asked for."""
    verbatim: str = ""
    """The reply as it came whole, where its pieces put the keys in another order."""
    warnings: tuple[str, ...] = ()

    def body(self, model: str, *, stream: bool) -> bytes:
        """Its bytes."""
        system = f'{{"role":"{self.system}","content":"Be brief."}}'
        messages = f"{system},{USER},{self.assistant if stream else self.verbatim or self.assistant},{self.result}"
        way = self.stream if stream else self.whole
        return f'{{"model":"{model}",{self.settings}{way},"tools":[{self.tool}],"messages":[{messages}]}}'.encode()


SECOND = {
    "doubao_seed": Sent(
        '"max_tokens":4096,"thinking":{"type":"enabled"},"reasoning_effort":"high"',
        r'{"role":"assistant","content":null,"reasoning_content":"Look, 看看。","encrypted_content":"gAAAAB+/0==","tool_calls":[{"id":"call_k1x","type":"function","function":{"name":"weather","arguments":" {\"city\": \"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"call_k1x","content":"Rain, 雨."}',
    ),
    "doubao": Sent(
        '"max_tokens":4096,"thinking":{"type":"enabled"},"reasoning_effort":"high"',
        r'{"role":"assistant","content":"\n\n","reasoning_content":"\nLook.","tool_calls":[{"id":"call_k2","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"call_k2","content":"Rain, 雨."}',
    ),
    "deepseek_r1": Sent(
        '"max_tokens":4096',
        r'{"role":"assistant","content":null,"tool_calls":[{"id":"call_0_a1","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"call_0_a1","content":"Rain, 雨."}',
        warnings=BOTH,
    ),
    "deepseek": Sent(
        '"max_tokens":4096,"thinking":{"type":"enabled"},"reasoning_effort":"high"',
        r'{"role":"assistant","content":"Let me look.","reasoning_content":"One call.\n","tool_calls":[{"id":"call_00_a","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"call_00_a","content":"Rain, 雨."}',
    ),
    "kimi_k25": Sent(
        '"max_completion_tokens":4096,"thinking":{"type":"enabled"}',
        r'{"role":"assistant","content":null,"reasoning_content":"Look it up. ","tool_calls":[{"id":"functions.weather:0","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"functions.weather:0","content":"Rain, 雨."}',
        tool=IN_WORDS,
        warnings=("not_sent:reasoning_effort",),
    ),
    "kimi_k3": Sent(
        '"max_completion_tokens":4096,"reasoning_effort":"high"',
        r'{"role":"assistant","content":"I will look.","reasoning_content":"Look it up.","tool_calls":[{"id":"weather:0","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"weather:0","content":"Rain, 雨."}',
        tool=IN_WORDS,
        warnings=("not_sent:thinking",),
    ),
    "kimi": Sent(
        '"max_completion_tokens":4096,"thinking":{"type":"enabled","keep":"all"}',
        r'{"role":"assistant","content":null,"reasoning_content":"Look it up.","tool_calls":[{"id":"functions.weather:0","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"functions.weather:0","content":"Rain, 雨."}',
        tool=IN_WORDS,
        warnings=("not_sent:reasoning_effort",),
    ),
    "qwen": Sent(
        '"max_tokens":4096,"enable_thinking":true',
        r'{"role":"assistant","content":null,"tool_calls":[{"id":"call_9f8e","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"call_9f8e","content":"Rain, 雨."}',
        whole=STREAM,
        warnings=("not_sent:reasoning_effort",),
    ),
    "glm": Sent(
        '"max_tokens":4096,"thinking":{"type":"enabled","clear_thinking":false},"reasoning_effort":"high"',
        r'{"role":"assistant","content":null,"reasoning_content":"\nLook.","tool_calls":[{"id":"call_-8001","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"call_-8001","content":"Rain, 雨."}',
    ),
    "minimax": Sent(
        '"max_tokens":4096,"thinking":{"type":"adaptive"}',
        r'{"role":"assistant","content":"<think>\nLook it up.\n</think>\n\n","tool_calls":[{"id":"call_function_m1","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"call_function_m1","content":"Rain, 雨."}',
        warnings=("not_sent:reasoning_effort",),
    ),
    "minimax_split": Sent(
        '"reasoning_split":true,"max_tokens":4096,"thinking":{"type":"adaptive"}',
        r'{"role":"assistant","content":"I look.","reasoning_details":[{"type":"reasoning.text","id":"reasoning-text-1","format":"MiniMax-response-v1","index":0,"text":"Look it up."}],"tool_calls":[{"id":"call_function_m2","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"call_function_m2","content":"Rain, 雨."}',
        warnings=("not_sent:reasoning_effort",),
    ),
    "mistral_thinking": Sent(
        '"max_tokens":4096,"reasoning_effort":"high"',
        r'{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"Look it up."}]}],"tool_calls":[{"id":"D681PevKs","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"D681PevKs","content":"Rain, 雨."}',
        stream=ONLY_STREAM,
    ),
    "mistral": Sent(
        '"max_tokens":4096',
        r'{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"Look it up."}]}],"tool_calls":[{"id":"D681PevKs","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"D681PevKs","content":"Rain, 雨."}',
        stream=ONLY_STREAM,
        warnings=BOTH,
    ),
    "gemini": Sent(
        '"max_tokens":4096,"reasoning_effort":"high"',
        r'{"role":"assistant","content":null,"tool_calls":[{"id":"function-call-1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"},"extra_content":{"google":{"thought_signature":"SIG+/1=="}}}]}',
        '{"role":"tool","tool_call_id":"function-call-1","content":"Rain, 雨."}',
    ),
    "openai_gpt54": Sent(
        '"max_completion_tokens":4096,"reasoning_effort":"none"',
        r'{"role":"assistant","content":null,"tool_calls":[{"id":"call_Ab12","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"call_Ab12","content":"Rain, 雨."}',
        system="developer",
        warnings=BOTH,
    ),
    "openai_reasoning": Sent(
        '"max_completion_tokens":4096,"reasoning_effort":"high"',
        r'{"role":"assistant","content":null,"tool_calls":[{"id":"call_Ab12","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"call_Ab12","content":"Rain, 雨."}',
        system="developer",
    ),
    "openai": Sent(
        '"max_completion_tokens":4096',
        r'{"role":"assistant","content":null,"tool_calls":[{"id":"call_Ab12","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"call_Ab12","content":"Rain, 雨."}',
        warnings=BOTH,
    ),
    "xai_fixed": Sent(
        '"max_tokens":4096',
        r'{"role":"assistant","content":null,"tool_calls":[{"id":"call_77","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"call_77","content":"Rain, 雨."}',
        warnings=BOTH,
    ),
    "xai": Sent(
        '"max_tokens":4096,"reasoning_effort":"high"',
        r'{"role":"assistant","content":null,"tool_calls":[{"id":"call_77","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"call_77","content":"Rain, 雨."}',
    ),
    "anthropic": Sent(
        '"max_tokens":4096',
        r'{"role":"assistant","content":"I look.","tool_calls":[{"id":"toolu_01A","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"toolu_01A","content":"Rain, 雨."}',
        warnings=BOTH,
    ),
    "azure_gpt54": Sent(
        '"max_completion_tokens":4096,"reasoning_effort":"none"',
        r'{"role":"assistant","content":null,"tool_calls":[{"id":"call_Ab12","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"call_Ab12","content":"Rain, 雨."}',
        warnings=BOTH,
    ),
    "azure": Sent(
        '"max_completion_tokens":4096,"reasoning_effort":"high"',
        r'{"role":"assistant","content":null,"tool_calls":[{"id":"call_Ab12","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"call_Ab12","content":"Rain, 雨."}',
    ),
    "openrouter": Sent(
        '"max_tokens":4096,"reasoning":{"effort":"high"}',
        r'{"role":"assistant","content":null,"reasoning_details":[{"type":"reasoning.text","text":"Look up.","format":"anthropic-claude-v1","index":0,"signature":"SIG=="}],"tool_calls":[{"id":"toolu_01A","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"toolu_01A","content":"Rain, 雨."}',
        verbatim=r'{"role":"assistant","content":null,"reasoning_details":[{"type":"reasoning.text","text":"Look up.","signature":"SIG==","format":"anthropic-claude-v1","index":0}],"tool_calls":[{"id":"toolu_01A","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
    ),
    "groq": Sent(
        '"max_tokens":4096,"reasoning_effort":"high"',
        r'{"role":"assistant","content":null,"reasoning":"Look.","tool_calls":[{"id":"fc_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"fc_1","content":"Rain, 雨."}',
    ),
    "cerebras": Sent(
        '"max_tokens":4096,"reasoning_effort":"high"',
        r'{"role":"assistant","content":null,"reasoning":"Look.","tool_calls":[{"id":"a1b2c3d4e","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"a1b2c3d4e","content":"Rain, 雨."}',
    ),
    "together": Sent(
        '"max_tokens":4096,"reasoning_effort":"high"',
        r'{"role":"assistant","content":"<think>\nLook.\n</think>\n\nI look.","tool_calls":[{"id":"call_t1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"call_t1","content":"Rain, 雨."}',
    ),
    "vllm": Sent(
        '"max_tokens":4096,"chat_template_kwargs":{"enable_thinking":true},"reasoning_effort":"high"',
        r'{"role":"assistant","content":null,"reasoning":"\nLook.\n","tool_calls":[{"id":"chatcmpl-tool-1f2e","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"chatcmpl-tool-1f2e","content":"Rain, 雨."}',
    ),
    "sglang": Sent(
        '"max_tokens":4096,"chat_template_kwargs":{"enable_thinking":true},"reasoning_effort":"high"',
        r'{"role":"assistant","content":null,"reasoning_content":"Look.","tool_calls":[{"id":"call_5f6a","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"call_5f6a","content":"Rain, 雨."}',
    ),
    "llamacpp": Sent(
        '"max_tokens":4096,"chat_template_kwargs":{"enable_thinking":true},"reasoning_effort":"high"',
        r'{"role":"assistant","content":null,"reasoning_content":"Look.","tool_calls":[{"id":"Zx9vC3bN1mQ2wE4rT5yU7iO8pA0sD6fG","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"Zx9vC3bN1mQ2wE4rT5yU7iO8pA0sD6fG","content":"Rain, 雨."}',
    ),
    "ollama": Sent(
        '"max_tokens":4096,"reasoning_effort":"high"',
        r'{"role":"assistant","content":null,"reasoning":"Look.","tool_calls":[{"id":"call_qx1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"call_qx1","content":"Rain, 雨."}',
    ),
    "lmstudio": Sent(
        '"max_tokens":4096,"reasoning_effort":"high"',
        r'{"role":"assistant","content":"<think>\nLook.\n</think>\n\n","tool_calls":[{"id":"365174485","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        '{"role":"tool","tool_call_id":"365174485","content":"Rain, 雨."}',
    ),
}


@tool
def weather(city: str, days: Annotated[int, Field(ge=1, le=7)] = 1) -> str:
    """Look up the weather.

    Args:
        city: Where.
        days: How many of them.
    """
    return "Rain, 雨."


DONE = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"It rains."},"finish_reason":"stop"}]}'


async def both_requests(exchange: Exchange, *, stream: bool) -> tuple[list[bytes], Result[str]]:
    """The bodies that a run sends to a provider, and what comes of it."""
    bodies: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        first = exchange.body(stream=b'"stream":true' in request.content)
        return httpx.Response(200, content=first if len(bodies) == 1 else DONE)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        name = exchange.profile if exchange.named else None
        chat = Chat(exchange.model, base_url=exchange.base_url, api_key="-", client=client, profile=name, retry=None)
        agent = Agent(chat, tools=[weather], instructions="Be brief.", settings=ASKED)
        if not stream:
            return bodies, await agent.run("How is Oslo?")
        async with agent.stream("How is Oslo?") as run:
            async for _ in run:
                """Every event passes by."""
        return bodies, run.result


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.profile)
async def test_a_thinking_tool_turn_goes_back_as_the_provider_wants_it(exchange, stream):
    """The second request is the same to the byte whether the first answer came whole or in pieces."""
    bodies, result = await both_requests(exchange, stream=stream)
    second = SECOND[exchange.profile]

    assert second.body(exchange.model, stream=stream) == bodies[1]
    # What a provider caches is a prefix.
    assert bodies[1].startswith(bodies[0].removesuffix(b"]}") + b",")
    assert (2, "It rains.") == (len(bodies), result.output)
    replied = next(recorded.event for recorded in result.events if isinstance(recorded.event, ModelReplied))
    assert second.warnings == replied.warnings


def test_every_provider_is_shown():
    """None of the table is missing, and none is shown that is not in it."""
    assert [*PROFILES] == [exchange.profile for exchange in EXCHANGES]
    assert {*PROFILES} == {*SECOND}


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.profile)
def test_a_provider_is_found_or_named(exchange):
    """Address and id tell which it is, and only where they do not it has to be named."""
    found = Chat(exchange.model, base_url=exchange.base_url, api_key="-").profile.name

    assert exchange.named == (found != exchange.profile)


# Recognition.

ARK, BYTEPLUS = "https://ark.cn-beijing.volces.com/api/v3", "https://ark.ap-southeast.bytepluses.com/api/v3"
ANYFAST = "https://www.anyfast.ai/v1"
LOCAL = "http://localhost:8000/v1"
LITELLM = "http://localhost:4000"
OPENAI = "https://api.openai.com/v1"
OPENROUTER = "https://openrouter.ai/api/v1"


@pytest.mark.parametrize(
    ("base_url", "model", "expected"),
    [
        (ARK, "doubao-seed-2-1-pro-260715", "doubao_seed"),
        (ARK, "doubao-seed-1-8-251228", "doubao_seed"),
        (ARK, "doubao-seed-1-6-250615", "doubao"),
        (ARK, "doubao-1-5-pro-32k", "doubao"),
        (ARK, "ep-20260301120000-abcde", "doubao"),
        (ARK, "deepseek-v3-2-251201", "doubao"),
        (ARK, "glm-4-7-251222", "doubao"),
        (ARK, "kimi-k2-thinking-251104", "doubao"),
        ("https://ark.cn-beijing.volces.com/api/coding/v3", "doubao-seed-2.0-code", "doubao_seed"),
        (BYTEPLUS, "dola-seed-2-1-turbo", "doubao_seed"),
        (BYTEPLUS, "seed-1-8-251228", "doubao_seed"),
        (BYTEPLUS, "seed-1-6-250915", "doubao"),
        (BYTEPLUS, "gpt-oss-120b-250805", "doubao"),
        (ANYFAST, "doubao-seed-2.1-pro", "doubao_seed"),
        (ANYFAST, "gpt-4o", "openai"),
        (ANYFAST, "gpt-5.1", "openai_reasoning"),
        (ANYFAST, "gpt-5.6", "openai_gpt54"),
        (ANYFAST, "claude-sonnet-4-5-20250929", "anthropic"),
        (ANYFAST, "deepseek/deepseek-r1", "deepseek_r1"),
        (ANYFAST, "deepseek-v4-pro", "deepseek"),
        (ANYFAST, "gemini-3-pro-preview", "gemini"),
        (ANYFAST, "kimi-k2.5", "kimi_k25"),
        (ANYFAST, "moonshotai/kimi-k2.6", "kimi"),
        (ANYFAST, "glm-5.3", "glm"),
        (ANYFAST, "z-ai/glm-4.7", "glm"),
        (ANYFAST, "qwen3-max", "qwen"),
        (ANYFAST, "MiniMax-M3", "minimax"),
        (ANYFAST, "grok-4.5", "xai"),
        (ANYFAST, "mistral-large-latest", "mistral"),
        (ANYFAST, "mistral-medium-3-5", "mistral_thinking"),
        (ANYFAST, "some-model", "unknown"),
        ("https://api.deepseek.com", "deepseek-v4-pro", "deepseek"),
        ("https://api.deepseek.com/v1", "deepseek-flash", "deepseek"),
        ("https://api.deepseek.com/beta", "deepseek-chat", "deepseek"),
        ("https://api.deepseek.com", "deepseek-reasoner", "deepseek_r1"),
        ("https://api.moonshot.cn/v1", "kimi-k2.5", "kimi_k25"),
        ("https://api.moonshot.ai/v1", "kimi-k3", "kimi_k3"),
        ("https://api.moonshot.ai/v1", "kimi-k2-thinking", "kimi"),
        ("https://api.moonshot.ai/v1", "moonshot-v1-8k", "kimi"),
        ("https://api.kimi.com/coding/v1", "kimi-for-coding", "kimi"),
        ("https://dashscope.aliyuncs.com/compatible-mode/v1", "qwen3-max", "qwen"),
        ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "qwen-plus-latest", "qwen"),
        ("https://dashscope-us.aliyuncs.com/compatible-mode/v1", "deepseek-v3.2", "qwen"),
        ("https://open.bigmodel.cn/api/paas/v4", "glm-5.3", "glm"),
        ("https://open.bigmodel.cn/api/coding/paas/v4", "glm-4.7", "glm"),
        ("https://api.z.ai/api/paas/v4", "glm-4.5-air", "glm"),
        ("https://api.minimax.io/v1", "MiniMax-M2.7", "minimax"),
        ("https://api.minimaxi.com/v1", "MiniMax-M3", "minimax"),
        (OPENROUTER, "anthropic/claude-sonnet-4.5", "openrouter"),
        (OPENROUTER, "openai/gpt-5.6", "openrouter"),
        (OPENROUTER, "moonshotai/kimi-k2.5", "openrouter"),
        (OPENROUTER, "deepseek/deepseek-r1:free", "openrouter"),
        (OPENROUTER, "google/gemini-3-pro-preview", "openrouter"),
        (OPENROUTER, "bytedance-seed/seed-1.8", "openrouter"),
        ("https://api.mistral.ai/v1", "mistral-small-2603", "mistral_thinking"),
        ("https://api.mistral.ai/v1", "magistral-medium-latest", "mistral"),
        ("https://api.mistral.ai/v1", "open-mistral-nemo", "mistral"),
        ("https://codestral.mistral.ai/v1", "codestral-latest", "mistral"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "gemini-2.5-flash", "gemini"),
        (
            "https://aiplatform.googleapis.com/v1/projects/p/locations/global/endpoints/openapi",
            "google/gemini-3-pro",
            "gemini",
        ),
        ("https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/openapi", "g", "gemini"),
        (OPENAI, "o3", "openai_reasoning"),
        (OPENAI, "o4-mini-2025-04-16", "openai_reasoning"),
        (OPENAI, "gpt-5", "openai_reasoning"),
        (OPENAI, "gpt-5-mini-2025-08-07", "openai_reasoning"),
        (OPENAI, "gpt-5.1", "openai_reasoning"),
        (OPENAI, "ft:o4-mini-2025-04-16:me::x", "openai_reasoning"),
        (OPENAI, "gpt-5.4", "openai_gpt54"),
        (OPENAI, "gpt-5.6-terra", "openai_gpt54"),
        (OPENAI, "gpt-5-chat-latest", "openai"),
        (OPENAI, "gpt-4o", "openai"),
        (OPENAI, "gpt-4.1-mini", "openai"),
        (OPENAI, "chatgpt-4o-latest", "openai"),
        (OPENAI, "ft:gpt-4o-mini-2024-07-18:me::x", "openai"),
        ("https://mine.openai.azure.com/openai/v1", "gpt-5", "azure"),
        ("https://mine.openai.azure.com/openai/v1", "prod-gpt-5.4", "azure_gpt54"),
        ("https://mine.openai.azure.com/openai/deployments/d?api-version=2025-01-01", "d", "azure"),
        ("https://mine.services.ai.azure.com/openai/v1", "DeepSeek-V3.2", "azure"),
        ("https://api.groq.com/openai/v1", "openai/gpt-oss-120b", "groq"),
        ("https://api.groq.com/openai/v1", "moonshotai/kimi-k2-instruct", "groq"),
        ("https://api.x.ai/v1", "grok-4.5", "xai"),
        ("https://api.x.ai/v1", "grok-4.3", "xai"),
        ("https://api.x.ai/v1", "grok-3-mini", "xai"),
        ("https://api.x.ai/v1", "grok-5", "xai"),
        ("https://api.x.ai/v1", "grok-4", "xai_fixed"),
        ("https://api.x.ai/v1", "grok-4-latest", "xai_fixed"),
        ("https://api.x.ai/v1", "grok-4-1-fast-reasoning", "xai_fixed"),
        ("https://api.x.ai/v1", "grok-4.20-0309-reasoning", "xai_fixed"),
        ("https://api.x.ai/v1", "grok-code-fast-1", "xai_fixed"),
        ("https://api.cerebras.ai/v1", "qwen-3-32b", "cerebras"),
        ("https://api.together.xyz/v1", "deepseek-ai/DeepSeek-R1", "together"),
        ("https://api.together.ai/v1", "moonshotai/Kimi-K2.5", "together"),
        ("https://api.anthropic.com/v1/", "claude-opus-4-6", "anthropic"),
        ("http://localhost:11434/v1", "qwen3:8b", "ollama"),
        ("http://127.0.0.1:11434/v1", "deepseek-r1:8b", "ollama"),
        ("http://localhost:1234/v1", "qwen/qwen3-8b", "lmstudio"),
        ("http://[::1]:1234/v1", "openai/gpt-oss-20b", "lmstudio"),
        ("http://localhost:30000/v1", "Qwen/Qwen3-8B", "sglang"),
        # Open weights behind an address that says nothing are served by somebody else than who made them.
        (LOCAL, "Qwen/Qwen3-8B", "unknown"),
        (LOCAL, "qwen3:8b", "unknown"),
        (LOCAL, "qwen2.5-7b-instruct-q4.gguf", "unknown"),
        (LOCAL, "openai/gpt-oss-120b", "unknown"),
        (LOCAL, "mistralai/Mistral-Small-3.2-24B-Instruct-2506", "unknown"),
        (LOCAL, "mistral:7b", "unknown"),
        (LOCAL, "mistral-7b-instruct-v0.2.q4_k_m.gguf", "unknown"),
        (LOCAL, "moonshotai/Kimi-K2.5", "unknown"),
        (LOCAL, "zai-org/GLM-4.7", "unknown"),
        (LOCAL, "google/gemma-3-27b-it", "unknown"),
        (LOCAL, "meta-llama/Llama-3.3-70B-Instruct", "unknown"),
        (LOCAL, "ByteDance-Seed/Seed-OSS-36B-Instruct", "unknown"),
        (LITELLM, "deepseek-v4-pro", "deepseek"),
        (LITELLM, "bedrock/eu.anthropic.claude-sonnet-4-5-v1:0", "anthropic"),
        (LITELLM, "vertex_ai/gemini-3-pro", "gemini"),
    ],
)
def test_a_provider_is_recognised(base_url, model, expected):
    """The host says who it is; where it is nobody in particular, the model's id does."""
    assert expected == Chat(model, base_url=base_url, api_key="-").profile.name


@given(st.text(), st.text())
def test_any_text_has_a_profile(host, model):
    """No host and no model's id, however odd, is an error."""
    assert profile_of(host, model).name in {*PROFILES, "unknown"}


PIECES = (
    "qwen/",
    "qwen",
    "mistral-",
    "/",
    "gpt-",
    "-chat",
    "5.",
    "seed-",
    ":",
    ".gguf",
    "a" * 500,
    "-",
    "\n",
    "grok-4",
)


@given(st.lists(st.sampled_from(PIECES), max_size=200).map("".join))
def test_a_long_id_is_no_trouble(model):
    """Nor one of many pieces that a pattern may stumble over."""
    assert profile_of("example.com", model).name in {*PROFILES, "unknown"}


def test_a_provider_that_is_not_in_the_table_is_the_developers_error():
    """The message lists those there are."""
    with pytest.raises(UsageError, match="there is no provider 'nobody' in the table; there are: doubao_seed, "):
        profile_named("nobody")


# What the table says of itself.

PAGE = (Path(__file__).parent.parent / "docs" / "providers.md").read_text()


FORCED = {
    (True, True): "yes",
    (True, False): "any, not by name",
    (False, True): "by name only",
    (False, False): "no",
}
FORMS = {
    "tool": "by a tool",
    "json_schema": "schema",
    "json_schema_alone": "schema, by a tool beside tools",
    "json_object": "JSON",
}


def forced(profile: Profile) -> str:
    """Whether a tool can be forced, in the words of the page."""
    word = FORCED["required" in profile.tool_choices, "named" in profile.tool_choices]
    return word if profile.forces_thinking else f"{word}, not while it thinks"


def answer(profile: Profile) -> str:
    """How a provider is held to a type, in the words of the page."""
    others = [
        FORMS[form]
        for form in ("json_schema", "json_object")
        if form in profile.formats - {profile.output_mode.removesuffix("_alone")}
    ]
    return FORMS[profile.output_mode] + (f"; {', '.join(others)}" if others else "")


@pytest.mark.parametrize("name", PROFILES)
def test_a_provider_has_a_source_and_a_true_line_on_the_page(name):
    """Where its rules are from and as of when, and what they mean for a user."""
    profile = PROFILES[name]
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
    *_, can_force, answers, unsent, source = row.strip("| ").split(" | ")
    silent = {"thinking", "reasoning_effort"} if profile.thinking == "none" else set()

    assert re.search(r"\b20\d\d\b", profile.source)
    assert (forced(profile), answer(profile), profile.source) == (can_force, answers, source)
    assert profile.refused | silent == set(re.findall(r"`(\w+)`", unsent))
