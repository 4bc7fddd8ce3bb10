"""The names that spans and metrics go by: those of the GenAI conventions, pinned, and our own where these have none.

Written out here because the package of constants calls every one of them deprecated since the conventions moved.
"""

from typing import Final

CONVENTIONS: Final = "semantic-conventions-genai 0.1.0"
"""The version of the conventions.  They are in development: a name that changes there is changed here, and nowhere else."""

# What every span has.
OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
CONVERSATION: Final = "gen_ai.conversation.id"
AGENT: Final = "gen_ai.agent.name"
ERROR: Final = "error.type"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"

# Operations.
INVOKE_AGENT: Final = "invoke_agent"
CHAT: Final = "chat"
EXECUTE_TOOL: Final = "execute_tool"

# A request.
REQUEST_MODEL: Final = "gen_ai.request.model"
MAX_TOKENS: Final = "gen_ai.request.max_tokens"
TEMPERATURE: Final = "gen_ai.request.temperature"
TOP_P: Final = "gen_ai.request.top_p"
SEED: Final = "gen_ai.request.seed"
STOP: Final = "gen_ai.request.stop_sequences"
STREAM: Final = "gen_ai.request.stream"
REASONING_LEVEL: Final = "gen_ai.request.reasoning.level"
OUTPUT_TYPE: Final = "gen_ai.output.type"

# A reply.
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_ID: Final = "gen_ai.response.id"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHED_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"

# A tool.
TOOL: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
CALL_ID: Final = "gen_ai.tool.call.id"

# Content, which is sent only where it is asked for.
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
INSTRUCTIONS: Final = "gen_ai.system_instructions"
DEFINITIONS: Final = "gen_ai.tool.definitions"
ARGUMENTS: Final = "gen_ai.tool.call.arguments"
RESULT: Final = "gen_ai.tool.call.result"

# Our own.
RUN_ID: Final = "agentkit.run.id"
STATUS: Final = "agentkit.run.status"
STEPS: Final = "agentkit.run.steps"
TOOL_CALLS: Final = "agentkit.run.tool_calls"
RUN_COST: Final = "agentkit.run.cost"
RESUMED: Final = "agentkit.run.resumed"
SUSPENDED: Final = "agentkit.run.suspended"
PARTIAL: Final = "agentkit.run.partial"
FORK_OF: Final = "agentkit.run.fork_of"
CONTINUES: Final = "agentkit.run.continues"
STEP: Final = "agentkit.step"
COST: Final = "agentkit.cost"
WARNINGS: Final = "agentkit.warnings"
FAILED_ATTEMPTS: Final = "agentkit.model.failed_attempts"
LAST: Final = "agentkit.model.last_answer"
INTERRUPTED: Final = "agentkit.interrupted"
KEY: Final = "agentkit.tool.key"
AGAIN: Final = "agentkit.tool.again"
REPAIRED: Final = "agentkit.tool.repaired"
EXECUTED: Final = "agentkit.tool.executed"
IN_DOUBT: Final = "agentkit.tool.in_doubt"
TOOL_SUSPENDED: Final = "agentkit.tool.suspended"
CUT: Final = "agentkit.content.cut"
DETAIL: Final = "agentkit.detail"
LINK: Final = "agentkit.link"
PROCESS: Final = "agentkit.process"
REASON: Final = "agentkit.status"
ATTEMPT: Final = "agentkit.model.attempt"
CATEGORY: Final = "agentkit.model.category"
SECONDS: Final = "agentkit.model.wait"
GRANTED: Final = "agentkit.approval.granted"

# Moments within a span.
RUN_RESUMED: Final = "agentkit.run.resumed"
RUN_SUSPENDED: Final = "agentkit.run.suspended"
MODEL_RETRIED: Final = "agentkit.model.retried"
OUTPUT_REJECTED: Final = "agentkit.output.rejected"
APPROVAL_ASKED: Final = "agentkit.approval.asked"
APPROVAL_GIVEN: Final = "agentkit.approval.given"

# Metrics.
MODALITY: Final = "gen_ai.token.modality"
INFERENCE_DURATION: Final = "gen_ai.client.inference.duration"
TIME_TO_FIRST_CHUNK: Final = "gen_ai.client.inference.time_to_first_chunk"
TIME_PER_CHUNK: Final = "gen_ai.client.inference.time_per_output_chunk"
USAGE_COUNTERS: Final = {
    INPUT_TOKENS: "gen_ai.client.inference.usage.input_tokens",
    OUTPUT_TOKENS: "gen_ai.client.inference.usage.output_tokens",
    CACHED_TOKENS: "gen_ai.client.inference.usage.cache_read.input_tokens",
    REASONING_TOKENS: "gen_ai.client.inference.usage.reasoning.output_tokens",
}
"""The counter of each usage that a span has."""
USAGE_HISTOGRAMS: Final = {
    INPUT_TOKENS: "gen_ai.client.inference.operation.input_tokens",
    OUTPUT_TOKENS: "gen_ai.client.inference.operation.output_tokens",
}
AGENT_DURATION: Final = "gen_ai.invoke_agent.duration"
AGENT_INFERENCES: Final = "gen_ai.invoke_agent.inference_calls"
AGENT_TOOLS: Final = "gen_ai.invoke_agent.tool_calls"
TOOL_DURATION: Final = "gen_ai.execute_tool.duration"
