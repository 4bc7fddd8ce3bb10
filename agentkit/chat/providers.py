"""What differs between providers, as data.  Nobody else knows a provider's name.

Each profile says where it is from.  "second hand": the vendor's document as others quote it.  "guess": nobody wrote it down.
"""

import re

from agentkit.chat.profiles import UNKNOWN, Profile, ToolChoice
from agentkit.errors import UsageError
from agentkit.model import Settings

_SAMPLING = frozenset({"temperature", "top_p"})
_EFFORT = frozenset({"reasoning_effort"})
_BOTH = frozenset[ToolChoice]({"auto", "none"})
_NOT_NAMED = frozenset[ToolChoice]({"auto", "none", "required"})

_TABLE = (
    # Ark, that is Volcengine and BytePlus.
    Profile(
        name="doubao_seed",
        source="the seed's page; Ark's Chat API page 82379/1494384, 2026; BytePlus as probed by TanStack/ai, 2026-07",
        hosts=r"\.volces\.com|\.bytepluses\.com",
        key_variable="ARK_API_KEY",
        # BytePlus leaves the first word out: `seed-1-8-251228`.
        models=r"(?:(?:doubao|dola)-|^)seed-(?:1[.-][89]|[2-9])",
        # The two pages name different defaults (high or medium, 65536 or 4096 tokens), so both are always said.
        defaults=Settings(reasoning_effort="high", max_tokens=65536),
        refused=frozenset({"stop"}),
        dialect="inline",
        # json_schema is a beta of some models, and json_object fails on BytePlus: a tool is the safe way to a schema.
    ),
    Profile(
        name="doubao",
        source="Ark's Chat API page 82379/1494384, 2026",
        hosts=r"\.volces\.com|\.bytepluses\.com",
        key_variable="ARK_API_KEY",
        models=r"doubao|dola-",
        dialect="inline",
    ),
    # Vendors of models.
    Profile(
        name="deepseek_r1",
        source="vercel/ai, deepseek: R1 must not receive earlier reasoning; served until 2026-07",
        hosts=r"\.deepseek\.com",
        key_variable="DEEPSEEK_API_KEY",
        models=r"deepseek-reasoner|deepseek-r1",
        reasoning="drop",
        thinking="none",
        extra_keys=False,
        refused=_SAMPLING,
        tool_choices=_BOTH,
    ),
    Profile(
        name="deepseek",
        source="api-docs.deepseek.com, second hand, 2026-10: with tools every assistant turn needs reasoning_content",
        hosts=r"\.deepseek\.com",
        key_variable="DEEPSEEK_API_KEY",
        models=r"deepseek",
        strict_dialect="deepseek_strict",
        reasoning_required="reasoning_content",
        forces_thinking=False,
        formats=frozenset({"json_object"}),
        extra_keys=False,
    ),
    Profile(
        name="kimi_k25",
        source="platform.kimi.com, second hand, 2026-10: K2.5 refuses thinking.keep; HKUDS/nanobot #3939: and an effort beside thinking",
        hosts=r"\.moonshot\.(?:cn|ai)|\.kimi\.com",
        key_variable="MOONSHOT_API_KEY",
        models=r"(?-i:kimi-k2[.-]5)",
        refused=_SAMPLING | _EFFORT,
        max_tokens="max_completion_tokens",
        dialect="moonshot",
        tool_choices=_BOTH,
        formats=frozenset({"json_schema", "json_object"}),
    ),
    Profile(
        name="kimi_k3",
        source="platform.kimi.ai on reasoning effort, second hand, 2026-07: K3 always thinks and takes an effort alone",
        hosts=r"\.moonshot\.(?:cn|ai)|\.kimi\.com",
        key_variable="MOONSHOT_API_KEY",
        models=r"(?-i:kimi-k[3-9])",
        thinking="effort",
        refused=_SAMPLING | {"thinking"},
        max_tokens="max_completion_tokens",
        dialect="moonshot",
        tool_choices=_NOT_NAMED,
        formats=frozenset({"json_schema", "json_object"}),
    ),
    Profile(
        name="kimi",
        source="platform.kimi.com, second hand, 2026-10: sampling is fixed; MoonshotAI/walle: a schema outside of MFJS fails the request",
        hosts=r"\.moonshot\.(?:cn|ai)|\.kimi\.com",
        key_variable="MOONSHOT_API_KEY",
        # `moonshotai/Kimi-K2.6` is the name of its weights, which somebody else serves.
        models=r"(?-i:moonshot-|kimi)",
        thinking_more={"keep": "all"},
        refused=_SAMPLING | _EFFORT,
        max_tokens="max_completion_tokens",
        dialect="moonshot",
        tool_choices=_BOTH,
        formats=frozenset({"json_schema", "json_object"}),
    ),
    Profile(
        name="qwen",
        source="help.aliyun.com, second hand, 2026-10: reasoning is ignored in requests; some models only stream",
        hosts=r"dashscope[^/]*\.aliyuncs\.com",
        key_variable="DASHSCOPE_API_KEY",
        # `Qwen/Qwen3-8B`, `qwen3:8b` and `qwen3.gguf` are served by somebody who is not Qwen.
        models=r"(?-i:^(?:qwen/)?(?:qwen|qwq|qvq)(?!.*\.gguf$)[a-z0-9.-]*$)",
        thinking="flag",
        reasoning="drop",
        refused=frozenset({"reasoning_effort"}),
        always_streams=True,
        dialect="inline",
        tool_choices=frozenset({"auto", "none", "named"}),
        forces_thinking=False,
        formats=frozenset({"json_object"}),
        extra_keys=False,
    ),
    Profile(
        name="glm",
        source="docs.bigmodel.cn and docs.z.ai, second hand, 2026-10: clear_thinking false keeps reasoning; tool_choice is auto",
        hosts=r"\.bigmodel\.cn|\.z\.ai",
        key_variable="ZAI_API_KEY",
        # `zai-org/GLM-5` is the name of its weights.
        models=r"(?-i:(?:^|/)glm-)",
        thinking_more={"clear_thinking": False},
        dialect="inline",
        tool_choices=frozenset({"auto"}),
        formats=frozenset({"json_object"}),
    ),
    Profile(
        name="minimax",
        source="platform.minimax.io, second hand, 2026-10: content goes back with its tags; M3 thinks when it is adaptive",
        hosts=r"\.minimax\.io|\.minimaxi\.(?:com|chat)",
        key_variable="MINIMAX_API_KEY",
        models=r"minimax",
        thinking_words={"enabled": "adaptive", "auto": "adaptive"},
        tags="open",
        refused=_EFFORT,
        dialect="inline",
        tool_choices=_BOTH,
    ),
    Profile(
        name="minimax_split",
        source="platform.minimax.io, second hand, 2026-10: with reasoning_split, pieces repeat what came before",
        key_variable="MINIMAX_API_KEY",
        thinking_words={"enabled": "adaptive", "auto": "adaptive"},
        cumulative=True,
        body={"reasoning_split": True},
        refused=_EFFORT,
        dialect="inline",
        tool_choices=_BOTH,
    ),
    Profile(
        name="mistral_thinking",
        source="withceleste/celeste-python #311, probed 2026-07: the efforts are none and high; otherwise as the next",
        hosts=r"\.mistral\.ai",
        key_variable="MISTRAL_API_KEY",
        models=r"(?-i:(?:^|/)(?:mistral-(?:small|medium)|magistral-small)-(?!.*gguf$)[a-z0-9.-]+$)",
        thinking="effort",
        # Its seed is `random_seed`, for `extra_body`.
        refused=frozenset({"seed"}),
        stream_usage=False,
        tool_choices=frozenset({"auto", "required", "named"}),
        required="any",
        output_mode="json_schema",
        formats=frozenset({"json_schema", "json_object"}),
        one_system=True,
        call_ids=r"[a-zA-Z0-9]{9}",
        extra_keys=False,
        user_after_tool=False,
    ),
    Profile(
        name="mistral",
        source="badlogic/pi-mono and pydantic-ai on Mistral, 2026: ids of nine letters or digits, unknown keys are refused",
        hosts=r"\.mistral\.ai",
        key_variable="MISTRAL_API_KEY",
        # `mistralai/Mistral-7B` and `mistral:7b` are served by somebody else, who does not know the word `any`.
        models=r"(?-i:(?:^|/)(?:open-)?(?:mistral|mixtral|pixtral|magistral|ministral|codestral|devstral)-(?!.*gguf$)[a-z0-9.-]+$)",
        thinking="none",
        # Its seed is `random_seed`, for `extra_body`.
        refused=frozenset({"seed"}),
        stream_usage=False,
        tool_choices=frozenset({"auto", "required", "named"}),
        required="any",
        output_mode="json_schema",
        formats=frozenset({"json_schema", "json_object"}),
        one_system=True,
        call_ids=r"[a-zA-Z0-9]{9}",
        extra_keys=False,
        user_after_tool=False,
    ),
    Profile(
        name="gemini",
        source="ai.google.dev on OpenAI compatibility; vercel/ai tests, 2026: the signature goes back on its call",
        hosts=r"generativelanguage\.googleapis\.com|aiplatform\.googleapis\.com",
        key_variable="GEMINI_API_KEY",
        models=r"gemini",
        thinking="effort",
        dialect="inline",
        formats=frozenset({"json_schema", "json_object"}),
    ),
    Profile(
        name="openai_gpt54",
        source="openai/openai-openapi #541, BerriAI/litellm #34569, 2026-07: beside tools, no effort but none is taken here",
        hosts=r"\.openai\.com",
        key_variable="OPENAI_API_KEY",
        models=r"(?:^|[/:])gpt-(?:5\.(?:[4-9]|\d\d)|[6-9])",
        thinking="effort",
        reasoning="drop",
        # To leave it out is refused as well.
        effort_with_tools="none",
        refused=frozenset({"stop"}),
        max_tokens="max_completion_tokens",
        strict_dialect="openai_strict",
        output_mode="json_schema",
        formats=frozenset({"json_schema", "json_object"}),
        system_role="developer",
        call_ids=r".{1,40}",
        extra_keys=False,
    ),
    Profile(
        name="openai_reasoning",
        source="pydantic-ai on OpenAI, recorded 2026: sampling is refused while it reasons",
        hosts=r"\.openai\.com",
        key_variable="OPENAI_API_KEY",
        models=r"(?:^|[/:])(?:o[1-9](?:-|$)|gpt-5(?!\S*-chat))",
        thinking="effort",
        reasoning="drop",
        refused=frozenset({"temperature", "top_p", "stop"}),
        max_tokens="max_completion_tokens",
        strict_dialect="openai_strict",
        output_mode="json_schema",
        formats=frozenset({"json_schema", "json_object"}),
        system_role="developer",
        call_ids=r".{1,40}",
        extra_keys=False,
    ),
    Profile(
        name="openai",
        source="platform.openai.com, 2026; badlogic/pi-mono: ids of at most 40 characters",
        hosts=r"\.openai\.com",
        key_variable="OPENAI_API_KEY",
        # `gpt-oss` has open weights, and others serve it.
        models=r"(?:^|[/:])(?:chat)?gpt-(?!oss)",
        thinking="none",
        reasoning="drop",
        max_tokens="max_completion_tokens",
        strict_dialect="openai_strict",
        output_mode="json_schema",
        formats=frozenset({"json_schema", "json_object"}),
        call_ids=r".{1,40}",
        extra_keys=False,
    ),
    Profile(
        name="xai_fixed",
        source="BerriAI/litellm #16265, NousResearch/hermes-agent #23088, 2026-05: these models refuse an effort",
        hosts=r"\.x\.ai",
        key_variable="XAI_API_KEY",
        models=r"(?:^|/)grok-(?:2|3(?!-mini)|4(?!\.[3-9](?:\D|$))|code)",
        thinking="none",
        reasoning="drop",
        refused=frozenset({"stop"}),
        output_mode="json_schema",
        formats=frozenset({"json_schema", "json_object"}),
        extra_keys=False,
    ),
    Profile(
        name="xai",
        source="docs.x.ai; vercel/ai on xAI, 2026: reasoning_content comes; that nothing has to go back is a guess",
        hosts=r"\.x\.ai",
        key_variable="XAI_API_KEY",
        models=r"(?:^|/)grok-",
        thinking="effort",
        reasoning="drop",
        refused=frozenset({"stop"}),
        output_mode="json_schema",
        formats=frozenset({"json_schema", "json_object"}),
        extra_keys=False,
    ),
    Profile(
        name="anthropic",
        source="Anthropic on OpenAI SDK compatibility, 2026: response_format and effort are ignored, thoughts stay there",
        hosts=r"\.anthropic\.com",
        key_variable="ANTHROPIC_API_KEY",
        # Bedrock's ids are `eu.anthropic.claude-…`.
        models=r"(?:^|[/.])claude-",
        thinking="none",
        reasoning="drop",
        refused=frozenset({"seed"}),
        call_ids=r"[a-zA-Z0-9_-]{1,64}",
        extra_keys=False,
        tools_with_calls=True,
    ),
    # Hosts of other people's models.
    Profile(
        name="azure_gpt54",
        source="can1357/oh-my-pi #11052, BerriAI/litellm #23035, 2026-09: as at OpenAI; a deployment of another name is not seen",
        hosts=r"\.openai\.azure\.com|\.services\.ai\.azure\.com|\.cognitiveservices\.azure\.com",
        key_variable="AZURE_OPENAI_API_KEY",
        models=r"gpt-(?:5\.(?:[4-9]|\d\d)|[6-9])",
        thinking="effort",
        reasoning="drop",
        effort_with_tools="none",
        refused=frozenset({"stop"}),
        max_tokens="max_completion_tokens",
        key_header="api-key",
        strict_dialect="openai_strict",
        output_mode="json_schema",
        formats=frozenset({"json_schema", "json_object"}),
        call_ids=r".{1,40}",
        extra_keys=False,
    ),
    Profile(
        name="azure",
        source="pydantic-ai on Azure; the key's header as in Microsoft's REST reference, 2026",
        hosts=r"\.openai\.azure\.com|\.services\.ai\.azure\.com|\.cognitiveservices\.azure\.com",
        key_variable="AZURE_OPENAI_API_KEY",
        thinking="effort",
        reasoning="drop",
        max_tokens="max_completion_tokens",
        key_header="api-key",
        strict_dialect="openai_strict",
        output_mode="json_schema",
        formats=frozenset({"json_schema", "json_object"}),
        call_ids=r".{1,40}",
        extra_keys=False,
    ),
    Profile(
        name="openrouter",
        source="openrouter.ai/docs on reasoning tokens; badlogic/pi-mono, 2026: details go back verbatim and in order",
        hosts=r"openrouter\.ai",
        key_variable="OPENROUTER_API_KEY",
        thinking="nested",
        output_mode="json_schema",
        formats=frozenset({"json_schema", "json_object"}),
        call_ids=r"[a-zA-Z0-9_-]{1,64}",
        tools_with_calls=True,
    ),
    Profile(
        name="groq",
        source="console.groq.com; vercel/ai on Groq, recorded 2026: reasoning goes back on turns with calls",
        hosts=r"\.groq\.com",
        key_variable="GROQ_API_KEY",
        thinking="effort",
        formats=frozenset({"json_object"}),
        extra_keys=False,
    ),
    Profile(
        name="cerebras",
        source="vercel/ai ebfdcd55f6, 2026: reasoning_content is refused; badlogic/pi-mono: 400 without a body is overflow",
        hosts=r"\.cerebras\.ai",
        key_variable="CEREBRAS_API_KEY",
        thinking="effort",
        formats=frozenset({"json_schema", "json_object"}),
        extra_keys=False,
        empty_400=True,
    ),
    Profile(
        name="together",
        source="pydantic-ai on Together, recorded 2026: R1 thinks in tags",
        hosts=r"\.together\.(?:xyz|ai)",
        key_variable="TOGETHER_API_KEY",
        thinking="effort",
        tags="open",
        formats=frozenset({"json_schema", "json_object"}),
        extra_keys=False,
    ),
    # Servers of one's own; without a sign in the address, `Chat(profile="vllm")` names them.
    Profile(
        name="vllm",
        source="vllm-project/vllm #33402 and #38488, 2026: reasoning goes back as `reasoning`",
        thinking="template",
        output_mode="json_schema_alone",
        formats=frozenset({"json_schema", "json_object"}),
        one_system=True,
    ),
    Profile(
        name="sglang",
        source="badlogic/pi-mono on SGLang, 2026; its usual port",
        hosts=r":30000$",
        thinking="template",
        output_mode="json_schema_alone",
        formats=frozenset({"json_schema", "json_object"}),
        one_system=True,
    ),
    Profile(
        name="llamacpp",
        source="driven here, llama.cpp of 2026-11, where a tool's name acts as required; pi-mono: reasoning_content",
        thinking="template",
        tool_choices=_NOT_NAMED,
        output_mode="json_schema_alone",
        formats=frozenset({"json_schema", "json_object"}),
        one_system=True,
    ),
    Profile(
        name="ollama",
        source="ollama/ollama fb307609, 2026: tool_choice and other settings are no fields of its; its usual port",
        hosts=r":11434$|\.ollama\.com",
        thinking="effort",
        refused=frozenset({"parallel_tool_calls", "max_completion_tokens"}),
        tool_choices=frozenset({"auto"}),
        output_mode="json_schema_alone",
        formats=frozenset({"json_schema", "json_object"}),
    ),
    Profile(
        name="lmstudio",
        source="lmstudio-ai/lmstudio-bug-tracker #830, #649, 2025; its usual port; tool_choice as its documents say",
        hosts=r":1234$",
        thinking="effort",
        tags="open",
        tool_choices=_NOT_NAMED,
        output_mode="json_schema_alone",
        formats=frozenset({"json_schema"}),
        one_system=True,
    ),
)

PROFILES = {profile.name: profile for profile in _TABLE}


def profile_of(host: str, model: str) -> Profile:
    """The profile of the provider behind a host, with its port if it has one, and a model's id."""
    # The host knows its own rules; a model's name counts where the host is nobody in particular.
    own = [profile for profile in _TABLE if _found(profile.hosts, f".{host}")]
    named = (profile for profile in own or _TABLE if _found(profile.models, model))
    return next(named, own[-1] if own else UNKNOWN)


def _found(pattern: str, text: str) -> bool:
    return bool(pattern) and re.search(pattern, text, re.IGNORECASE) is not None


def profile_named(name: str) -> Profile:
    """The profile of a provider by its name.

    Raises:
        UsageError: There is none; the message lists those there are.
    """
    if name not in PROFILES:
        raise UsageError(f"there is no provider {name!r} in the table; there are: {', '.join(PROFILES)}")
    return PROFILES[name]
