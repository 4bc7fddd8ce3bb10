"""What each provider answers to the first request of a run with a tool, as that provider sends it.

The shapes are those of the recordings and documents that the sources in the table name.
"""

from dataclasses import dataclass

END = "data: [DONE]\n\n"


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A first answer, and how its provider is reached."""

    profile: str
    base_url: str
    model: str
    named: bool = False
    """Whether nothing in the address or the id tells, so that the profile has to be named."""
    whole: str = ""
    """The message of a reply in one piece; empty where there is none to be had."""
    choices: tuple[str, ...]
    """The choices of a stream, or whole chunks where there are others beside them."""

    def body(self, *, stream: bool) -> bytes:
        """The bytes of the answer."""
        return (self._stream() if stream else self._whole()).encode()

    def _whole(self) -> str:
        return (
            f'{{"id":"chatcmpl-1","object":"chat.completion","created":1790000000,"model":"{self.model}",'
            f'"choices":[{{"index":0,"message":{self.whole},"finish_reason":"tool_calls"}}],'
            '"usage":{"prompt_tokens":50,"completion_tokens":30,"total_tokens":80}}'
        )

    def _stream(self) -> str:
        head = f'"id":"chatcmpl-1","object":"chat.completion.chunk","created":1790000000,"model":"{self.model}"'
        chunks = [
            choice if '"choices"' in choice else f'{{{head},"choices":[{choice}]}}'
            for choice in (*self.choices, FINISH)
        ]
        return "".join(f"data: {chunk}\n\n" for chunk in chunks) + END


FINISH = '{"index":0,"delta":{},"finish_reason":"tool_calls"}'

EXCHANGES = (
    Exchange(
        profile="doubao_seed",
        base_url="https://ark.cn-beijing.volces.com/api/v3",
        model="doubao-seed-2-1-pro-260715",
        whole='{"role":"assistant","content":"","reasoning_content":"Look, 看看。","encrypted_content":"gAAAAB+/0==",'
        r'"tool_calls":[{"id":"call_k1x","type":"function","function":{"name":"weather","arguments":" {\"city\": \"Oslo\"}"}}]}',
        choices=(
            '{"delta":{"content":"","reasoning_content":"Look, ","role":"assistant"},"index":0}',
            '{"delta":{"content":"","reasoning_content":"看看。","role":"assistant"},"index":0}',
            '{"delta":{"content":"","reasoning_content":"","encrypted_content":"gAAAAB+/0==","role":"assistant"},"index":0}',
            '{"delta":{"content":"","role":"assistant","tool_calls":[{"index":0,"id":"call_k1x","type":"function","function":{"name":"weather","arguments":""}}]},"index":0}',
            r'{"delta":{"content":"","role":"assistant","tool_calls":[{"index":0,"function":{"arguments":" {\"city\": \"Oslo\"}"}}]},"index":0}',
        ),
    ),
    Exchange(
        profile="doubao",
        base_url="https://ark.ap-southeast.bytepluses.com/api/v3",
        model="ep-20260301120000-abcde",
        whole=r'{"role":"assistant","content":"\n\n","reasoning_content":"\nLook.","tool_calls":[{"id":"call_k2","type":"function",'
        r'"function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        choices=(
            r'{"delta":{"content":"","reasoning_content":"\nLook.","role":"assistant"},"index":0}',
            r'{"delta":{"content":"\n\n","role":"assistant"},"index":0}',
            r'{"delta":{"content":"","role":"assistant","tool_calls":[{"index":0,"id":"call_k2","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]},"index":0}',
        ),
    ),
    Exchange(
        profile="deepseek_r1",
        base_url="https://www.anyfast.ai/v1",
        model="deepseek/deepseek-r1",
        whole=r'{"role":"assistant","content":"","reasoning_content":"Look.\n","tool_calls":[{"index":0,"id":"call_0_a1","type":"function",'
        r'"function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        choices=(
            r'{"index":0,"delta":{"role":"assistant","content":null,"reasoning_content":"Look.\n"},"finish_reason":null}',
            '{"index":0,"delta":{"content":"","reasoning_content":null,"tool_calls":[{"index":0,"id":"call_0_a1","type":"function","function":{"name":"weather","arguments":""}}]},"finish_reason":null}',
            r'{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\": \"Oslo\"}"}}]},"finish_reason":null}',
        ),
    ),
    Exchange(
        profile="deepseek",
        base_url="https://api.deepseek.com",
        model="deepseek-v4-pro",
        whole=r'{"role":"assistant","content":"Let me look.","reasoning_content":"One call.\n","tool_calls":[{"index":0,"id":"call_00_a","type":"function",'
        r'"function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        choices=(
            '{"index":0,"delta":{"role":"assistant","content":null,"reasoning_content":""},"logprobs":null,"finish_reason":null}',
            r'{"index":0,"delta":{"content":null,"reasoning_content":"One call.\n"},"logprobs":null,"finish_reason":null}',
            '{"index":0,"delta":{"content":"Let me look.","reasoning_content":null},"logprobs":null,"finish_reason":null}',
            '{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_00_a","type":"function","function":{"name":"weather","arguments":""}}]},"finish_reason":null}',
            r'{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\": \"Oslo\"}"}}]},"finish_reason":null}',
        ),
    ),
    Exchange(
        profile="kimi_k25",
        base_url="https://api.moonshot.cn/v1",
        model="kimi-k2.5",
        whole='{"role":"assistant","content":"","reasoning_content":"Look it up. ","tool_calls":[{"id":"functions.weather:0","type":"function",'
        r'"function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        choices=(
            '{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}',
            '{"index":0,"delta":{"reasoning_content":"Look it"},"finish_reason":null}',
            '{"index":0,"delta":{"reasoning_content":" up. "},"finish_reason":null}',
            '{"index":0,"delta":{"tool_calls":[{"index":0,"id":"functions.weather:0","type":"function","function":{"name":"weather","arguments":""}}]},"finish_reason":null}',
            r'{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\": \"Oslo\"}"}}]},"finish_reason":null}',
        ),
    ),
    Exchange(
        profile="kimi_k3",
        base_url="https://api.moonshot.ai/v1",
        model="kimi-k3",
        whole='{"role":"assistant","content":"I will look.","reasoning_content":"Look it up.","tool_calls":[{"id":"weather:0","type":"function",'
        r'"function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        choices=(
            '{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}',
            '{"index":0,"delta":{"reasoning_content":"Look it up."},"finish_reason":null}',
            '{"index":0,"delta":{"content":"I will look."},"finish_reason":null}',
            r'{"index":0,"delta":{"tool_calls":[{"index":0,"id":"weather:0","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]},"finish_reason":null}',
        ),
    ),
    Exchange(
        profile="kimi",
        base_url="https://api.moonshot.ai/v1",
        model="kimi-k2.6",
        whole='{"role":"assistant","content":"","reasoning_content":"Look it up.","tool_calls":[{"id":"functions.weather:0","type":"function",'
        r'"function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        choices=(
            '{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}',
            '{"index":0,"delta":{"reasoning_content":"Look it up."},"finish_reason":null}',
            r'{"index":0,"delta":{"tool_calls":[{"index":0,"id":"functions.weather:0","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]},"finish_reason":null}',
        ),
    ),
    # Some of its models answer in a stream only, so that it is always asked for one.
    Exchange(
        profile="qwen",
        base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        model="qwen3-max",
        choices=(
            '{"index":0,"delta":{"content":null,"role":"assistant","reasoning_content":""},"finish_reason":null,"logprobs":null}',
            '{"index":0,"delta":{"content":null,"reasoning_content":"Look."},"finish_reason":null,"logprobs":null}',
            '{"index":0,"delta":{"content":"","reasoning_content":null,"tool_calls":[{"index":0,"id":"call_9f8e","type":"function","function":{"name":"weather","arguments":""}}]},"finish_reason":null}',
            r'{"index":0,"delta":{"content":null,"reasoning_content":null,"tool_calls":[{"index":0,"id":"","type":"function","function":{"arguments":"{\"city\": \"Oslo\"}"}}]},"finish_reason":null}',
        ),
    ),
    Exchange(
        profile="glm",
        base_url="https://open.bigmodel.cn/api/paas/v4",
        model="glm-5.3",
        whole=r'{"role":"assistant","content":"","reasoning_content":"\nLook.","tool_calls":[{"id":"call_-8001","index":0,"type":"function",'
        r'"function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        choices=(
            r'{"index":0,"delta":{"role":"assistant","reasoning_content":"\nLo"}}',
            '{"index":0,"delta":{"role":"assistant","reasoning_content":"ok."}}',
            r'{"index":0,"delta":{"role":"assistant","tool_calls":[{"id":"call_-8001","index":0,"type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}}',
        ),
    ),
    Exchange(
        profile="minimax",
        base_url="https://api.minimax.io/v1",
        model="MiniMax-M3",
        whole=r'{"role":"assistant","name":"MiniMax AI","audio_content":"","content":"<think>\nLook it up.\n</think>\n\n","tool_calls":[{"id":"call_function_m1","type":"function",'
        r'"function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"},"index":0}]}',
        choices=(
            '{"index":0,"delta":{"role":"assistant","name":"MiniMax AI","audio_content":"","content":"<thi"}}',
            r'{"index":0,"delta":{"role":"assistant","content":"nk>\nLook it up."}}',
            r'{"index":0,"delta":{"role":"assistant","content":"\n</think>\n\n"}}',
            r'{"index":0,"delta":{"role":"assistant","content":"","tool_calls":[{"id":"call_function_m1","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"},"index":0}]}}',
        ),
    ),
    Exchange(
        profile="minimax_split",
        base_url="https://api.minimaxi.com/v1",
        model="MiniMax-M2.7",
        named=True,
        whole='{"role":"assistant","content":"I look.","reasoning_content":"Look it up.","reasoning_details":[{"type":"reasoning.text","id":"reasoning-text-1","format":"MiniMax-response-v1","index":0,"text":"Look it up."}],'
        r'"tool_calls":[{"id":"call_function_m2","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"},"index":0}]}',
        choices=(
            '{"index":0,"delta":{"role":"assistant","content":"","reasoning_content":"Look","reasoning_details":[{"type":"reasoning.text","id":"reasoning-text-1","format":"MiniMax-response-v1","index":0,"text":"Look"}]}}',
            '{"index":0,"delta":{"role":"assistant","content":"","reasoning_content":"Look it up.","reasoning_details":[{"type":"reasoning.text","id":"reasoning-text-1","format":"MiniMax-response-v1","index":0,"text":"Look it up."}]}}',
            '{"index":0,"delta":{"role":"assistant","content":"I"}}',
            '{"index":0,"delta":{"role":"assistant","content":"I look."}}',
            r'{"index":0,"delta":{"role":"assistant","content":"I look.","tool_calls":[{"id":"call_function_m2","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"},"index":0}]}}',
        ),
    ),
    Exchange(
        profile="mistral_thinking",
        base_url="https://api.mistral.ai/v1",
        model="mistral-medium-latest",
        whole=r'{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"Look it up."}]}],"tool_calls":[{"id":"D681PevKs","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"},"index":0}],"prefix":false}',
        choices=(
            '{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}',
            '{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Look it "}]}]},"finish_reason":null}',
            '{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"up."}]}]},"finish_reason":null}',
            r'{"index":0,"delta":{"content":"","tool_calls":[{"id":"D681PevKs","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]},"finish_reason":null}',
        ),
    ),
    Exchange(
        profile="mistral",
        base_url="https://api.mistral.ai/v1",
        model="magistral-medium-latest",
        whole=r'{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"Look it up."}]}],"tool_calls":[{"id":"D681PevKs","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"},"index":0}],"prefix":false}',
        choices=(
            '{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}',
            '{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Look it "}]}]},"finish_reason":null}',
            '{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"up."}]}]},"finish_reason":null}',
            r'{"index":0,"delta":{"content":"","tool_calls":[{"id":"D681PevKs","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]},"finish_reason":null}',
        ),
    ),
    Exchange(
        profile="gemini",
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        model="gemini-3-pro-preview",
        whole=r'{"role":"assistant","tool_calls":[{"extra_content":{"google":{"thought_signature":"SIG+/1=="}},"function":{"arguments":"{\"city\":\"Oslo\"}","name":"weather"},"id":"function-call-1","type":"function"}]}',
        choices=(
            r'{"delta":{"role":"assistant","tool_calls":[{"extra_content":{"google":{"thought_signature":"SIG+/1=="}},"function":{"arguments":"{\"city\":\"Oslo\"}","name":"weather"},"id":"function-call-1","type":"function"}]},"index":0}',
            '{"delta":{"role":"assistant"},"finish_reason":"stop","index":0}',
        ),
    ),
    Exchange(
        profile="openai_gpt54",
        base_url="https://api.openai.com/v1",
        model="gpt-5.6",
        whole=r'{"role":"assistant","content":null,"tool_calls":[{"id":"call_Ab12","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}],"refusal":null,"annotations":[]}',
        choices=(
            '{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_Ab12","type":"function","function":{"name":"weather","arguments":""}}],"refusal":null},"finish_reason":null}',
            r'{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":\"Oslo\"}"}}]},"finish_reason":null}',
        ),
    ),
    Exchange(
        profile="openai_reasoning",
        base_url="https://api.openai.com/v1",
        model="gpt-5.1",
        whole=r'{"role":"assistant","content":null,"tool_calls":[{"id":"call_Ab12","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}],"refusal":null,"annotations":[]}',
        choices=(
            '{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_Ab12","type":"function","function":{"name":"weather","arguments":""}}],"refusal":null},"finish_reason":null}',
            r'{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":\"Oslo\"}"}}]},"finish_reason":null}',
        ),
    ),
    Exchange(
        profile="openai",
        base_url="https://api.openai.com/v1",
        model="gpt-4o",
        whole=r'{"role":"assistant","content":null,"tool_calls":[{"id":"call_Ab12","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}],"refusal":null,"annotations":[]}',
        choices=(
            '{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_Ab12","type":"function","function":{"name":"weather","arguments":""}}],"refusal":null},"finish_reason":null}',
            r'{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":\"Oslo\"}"}}]},"finish_reason":null}',
        ),
    ),
    Exchange(
        profile="xai_fixed",
        base_url="https://api.x.ai/v1",
        model="grok-4-fast-reasoning",
        whole=r'{"role":"assistant","content":"","reasoning_content":"Look.","tool_calls":[{"id":"call_77","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"},"type":"function"}],"refusal":null}',
        choices=(
            '{"index":0,"delta":{"reasoning_content":"Look.","role":"assistant"}}',
            r'{"index":0,"delta":{"content":"","tool_calls":[{"id":"call_77","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"},"index":0,"type":"function"}]}}',
        ),
    ),
    Exchange(
        profile="xai",
        base_url="https://api.x.ai/v1",
        model="grok-4.5",
        whole=r'{"role":"assistant","content":"","reasoning_content":"Look.","tool_calls":[{"id":"call_77","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"},"type":"function"}],"refusal":null}',
        choices=(
            '{"index":0,"delta":{"reasoning_content":"Look.","role":"assistant"}}',
            r'{"index":0,"delta":{"content":"","tool_calls":[{"id":"call_77","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"},"index":0,"type":"function"}]}}',
        ),
    ),
    Exchange(
        profile="anthropic",
        base_url="https://api.anthropic.com/v1",
        model="claude-sonnet-4-5",
        whole=r'{"role":"assistant","content":"I look.","tool_calls":[{"id":"toolu_01A","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}],"refusal":null}',
        choices=(
            '{"index":0,"delta":{"role":"assistant","content":"I look."}}',
            '{"index":0,"delta":{"tool_calls":[{"index":1,"id":"toolu_01A","type":"function","function":{"name":"weather","arguments":""}}]}}',
            r'{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{\"city\":\"Oslo\"}"}}]}}',
        ),
    ),
    Exchange(
        profile="azure_gpt54",
        base_url="https://mine.openai.azure.com/openai/v1",
        model="my-gpt-5.6",
        whole=r'{"role":"assistant","content":null,"tool_calls":[{"id":"call_Ab12","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}],"refusal":null,"annotations":[]}',
        choices=(
            '{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{}}]}',
            '{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_Ab12","type":"function","function":{"name":"weather","arguments":""}}],"refusal":null},"finish_reason":null,"content_filter_results":{}}',
            r'{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":\"Oslo\"}"}}]},"finish_reason":null}',
        ),
    ),
    Exchange(
        profile="azure",
        base_url="https://mine.openai.azure.com/openai/v1",
        model="my-deployment",
        whole=r'{"role":"assistant","content":null,"tool_calls":[{"id":"call_Ab12","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}],"refusal":null,"annotations":[]}',
        choices=(
            '{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{}}]}',
            '{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_Ab12","type":"function","function":{"name":"weather","arguments":""}}],"refusal":null},"finish_reason":null,"content_filter_results":{}}',
            r'{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":\"Oslo\"}"}}]},"finish_reason":null}',
        ),
    ),
    Exchange(
        profile="openrouter",
        base_url="https://openrouter.ai/api/v1",
        model="anthropic/claude-sonnet-4.5",
        whole='{"role":"assistant","content":"","refusal":null,"reasoning":"Look up.","reasoning_details":[{"type":"reasoning.text","text":"Look up.","signature":"SIG==","format":"anthropic-claude-v1","index":0}],'
        r'"tool_calls":[{"index":0,"id":"toolu_01A","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        choices=(
            '{"index":0,"delta":{"role":"assistant","content":"","reasoning":"Look ","reasoning_details":[{"type":"reasoning.text","text":"Look ","format":"anthropic-claude-v1","index":0}]},"finish_reason":null,"native_finish_reason":null}',
            '{"index":0,"delta":{"role":"assistant","content":"","reasoning":"up.","reasoning_details":[{"type":"reasoning.text","text":"up.","format":"anthropic-claude-v1","index":0}]},"finish_reason":null,"native_finish_reason":null}',
            '{"index":0,"delta":{"role":"assistant","content":"","reasoning_details":[{"type":"reasoning.text","signature":"SIG==","format":"anthropic-claude-v1","index":0}]},"finish_reason":null,"native_finish_reason":null}',
            r'{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"toolu_01A","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]},"finish_reason":null,"native_finish_reason":null}',
        ),
    ),
    Exchange(
        profile="groq",
        base_url="https://api.groq.com/openai/v1",
        model="openai/gpt-oss-120b",
        whole=r'{"role":"assistant","reasoning":"Look.","tool_calls":[{"id":"fc_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        choices=(
            '{"index":0,"delta":{"role":"assistant","content":null},"logprobs":null,"finish_reason":null}',
            '{"index":0,"delta":{"reasoning":"Look.","channel":"analysis"},"logprobs":null,"finish_reason":null}',
            r'{"index":0,"delta":{"tool_calls":[{"id":"fc_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"},"index":0}]},"logprobs":null,"finish_reason":null}',
        ),
    ),
    Exchange(
        profile="cerebras",
        base_url="https://api.cerebras.ai/v1",
        model="gpt-oss-120b",
        whole=r'{"role":"assistant","content":"","reasoning":"Look.","tool_calls":[{"id":"a1b2c3d4e","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        choices=(
            '{"delta":{"role":"assistant"},"index":0}',
            '{"delta":{"reasoning":"Look."},"index":0}',
            r'{"delta":{"tool_calls":[{"function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"},"type":"function","id":"a1b2c3d4e","index":0}]},"index":0}',
        ),
    ),
    Exchange(
        profile="together",
        base_url="https://api.together.xyz/v1",
        model="deepseek-ai/DeepSeek-R1",
        whole=r'{"role":"assistant","content":"<think>\nLook.\n</think>\n\nI look.","tool_calls":[{"index":0,"id":"call_t1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        choices=(
            '{"index":0,"text":"<think>","logprobs":null,"finish_reason":null,"seed":null,"delta":{"token_id":128798,"role":"assistant","content":"<think>"}}',
            r'{"index":0,"text":"\nLook.\n</think>\n","logprobs":null,"finish_reason":null,"seed":null,"delta":{"token_id":1,"role":"assistant","content":"\nLook.\n</think>\n"}}',
            r'{"index":0,"text":"\nI look.","logprobs":null,"finish_reason":null,"seed":null,"delta":{"token_id":2,"role":"assistant","content":"\nI look."}}',
            r'{"index":0,"text":"","logprobs":null,"finish_reason":null,"seed":null,"delta":{"token_id":null,"role":"assistant","content":"","tool_calls":[{"index":0,"id":"call_t1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}}',
        ),
    ),
    Exchange(
        profile="vllm",
        base_url="http://localhost:8000/v1",
        model="Qwen/Qwen3-8B",
        named=True,
        whole=r'{"role":"assistant","content":null,"refusal":null,"annotations":null,"audio":null,"function_call":null,"reasoning":"\nLook.\n","tool_calls":[{"id":"chatcmpl-tool-1f2e","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        choices=(
            '{"index":0,"delta":{"role":"assistant","content":"","reasoning":null},"logprobs":null,"finish_reason":null}',
            r'{"index":0,"delta":{"reasoning":"\nLook.\n"},"logprobs":null,"finish_reason":null}',
            '{"index":0,"delta":{"tool_calls":[{"id":"chatcmpl-tool-1f2e","type":"function","index":0,"function":{"name":"weather"}}]},"logprobs":null,"finish_reason":null}',
            r'{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\": \"Oslo\"}"}}]},"logprobs":null,"finish_reason":null}',
        ),
    ),
    Exchange(
        profile="sglang",
        base_url="http://localhost:30000/v1",
        model="Qwen/Qwen3-8B",
        whole=r'{"role":"assistant","content":null,"reasoning_content":"Look.","tool_calls":[{"id":"call_5f6a","index":0,"type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}}]}',
        choices=(
            '{"index":0,"delta":{"role":"assistant","content":"","reasoning_content":null,"tool_calls":null},"finish_reason":null}',
            '{"index":0,"delta":{"role":null,"content":null,"reasoning_content":"Look.","tool_calls":null},"finish_reason":null}',
            '{"index":0,"delta":{"tool_calls":[{"id":"call_5f6a","index":0,"type":"function","function":{"name":"weather","arguments":""}}]},"finish_reason":null}',
            r'{"index":0,"delta":{"tool_calls":[{"id":"call_5f6a","index":0,"type":"function","function":{"name":null,"arguments":"{\"city\": \"Oslo\"}"}}]},"finish_reason":null}',
            # It finishes twice.
            '{"index":0,"delta":{},"finish_reason":"stop"}',
        ),
    ),
    Exchange(
        profile="llamacpp",
        base_url="http://localhost:8080/v1",
        model="qwen3-8b-q4.gguf",
        named=True,
        whole=r'{"role":"assistant","content":"","reasoning_content":"Look.","tool_calls":[{"type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"},"id":"Zx9vC3bN1mQ2wE4rT5yU7iO8pA0sD6fG"}]}',
        choices=(
            '{"index":0,"finish_reason":null,"delta":{"role":"assistant","content":null}}',
            '{"index":0,"finish_reason":null,"delta":{"reasoning_content":"Look."}}',
            r'{"index":0,"finish_reason":null,"delta":{"tool_calls":[{"index":0,"id":"Zx9vC3bN1mQ2wE4rT5yU7iO8pA0sD6fG","type":"function","function":{"name":"weather","arguments":"{\"city\":"}}]}}',
            r'{"index":0,"finish_reason":null,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"Oslo\"}"}}]}}',
        ),
    ),
    Exchange(
        profile="ollama",
        base_url="http://localhost:11434/v1",
        model="qwen3:8b",
        whole=r'{"role":"assistant","content":"","reasoning":"Look.","tool_calls":[{"id":"call_qx1","index":0,"type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        choices=(
            '{"index":0,"delta":{"role":"assistant","content":"","reasoning":"Look."},"finish_reason":null}',
            r'{"index":0,"delta":{"role":"assistant","content":"","tool_calls":[{"id":"call_qx1","index":0,"type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]},"finish_reason":null}',
        ),
    ),
    Exchange(
        profile="lmstudio",
        base_url="http://localhost:1234/v1",
        model="qwen/qwen3-8b",
        whole=r'{"role":"assistant","content":"<think>\nLook.\n</think>\n\n","tool_calls":[{"type":"function","id":"365174485","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}',
        choices=(
            '{"index":0,"delta":{"role":"assistant","content":"<think>"},"logprobs":null,"finish_reason":null}',
            r'{"index":0,"delta":{"role":"assistant","content":"\nLook.\n</think>\n\n"},"logprobs":null,"finish_reason":null}',
            '{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"365174485","type":"function","function":{"name":"weather","arguments":""}}]},"logprobs":null,"finish_reason":null}',
            r'{"index":0,"delta":{"tool_calls":[{"index":0,"id":"","type":"function","function":{"name":"","arguments":"{\"city\":\"Oslo\"}"}}]},"logprobs":null,"finish_reason":null}',
        ),
    ),
)
