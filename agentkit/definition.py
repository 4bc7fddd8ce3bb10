"""What an agent is, part by part, so that a run is gone on with by the agent that began it, or by nobody unaware."""

from collections.abc import Mapping
from typing import Final

from agentkit.fingerprint import as_set, as_told, of_text
from agentkit.model import OutputFormat, Settings
from agentkit.schema.outputs import OutputType
from agentkit.toolbox import AnyTool

LOOP: Final = "1"
"""The version of the events and of what the loop makes of them.  It changes when a run of before would go on differently."""


def definition(
    *,
    name: str,
    model: str,
    instructions: str | None,
    tools: Mapping[str, AnyTool] | None,
    output: OutputType[object] | None,
    settings: Settings,
) -> Mapping[str, str]:
    """The parts of an agent, each in a few letters.

    Args:
        name: The agent's name.
        model: The model's id.
        instructions: None where a function says them anew for each run.
        tools: None where a function says them anew for each step.
        output: What an answer must be; None: text.
        settings: How the model is to answer.
    """
    parts = {"loop": LOOP, "agent": name, "model": model}
    if instructions:
        parts["instructions"] = of_text(instructions)
    if output is not None:
        parts["output"] = of_text(as_set(Settings(), OutputFormat(output.name, output.schema)))
    if said := as_set(settings, None):
        parts["settings"] = of_text(said)
    for each in (tools or {}).values():
        parts[f"tool {each.name}"] = f"{of_text(as_told((each.spec,)))} {each.options.effect}"
    return parts


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What is not as it was, in words."""
    found = []
    for part in sorted(before.keys() | now.keys()):
        was, is_ = before.get(part), now.get(part)
        if was == is_:
            continue
        if was is None or is_ is None:
            found.append(f"{part} is {'new' if was is None else 'gone'}")
        elif part in {"loop", "agent", "model"}:
            found.append(f"{part} was {was}, and is {is_}")
        else:
            found.append(f"{part} is another one")
    return found
