"""`agentkit schema`: what a model is told of tools, and what a provider makes of it."""

import json

import click

from agentkit.chat.encode import tool_fields
from agentkit.chat.profiles import UNKNOWN
from agentkit.chat.providers import PROFILES, profile_named
from agentkit.cli.targets import find_tools
from agentkit.model import ToolSpec
from agentkit.schema.dialects import translate


@click.command()
@click.argument("target")
@click.option("--for", "provider", type=click.Choice(list(PROFILES)), help="As this provider is told.")
@click.option("--strict", is_flag=True, help="In the form that the provider enforces.")
def schema(target: str, provider: str | None, *, strict: bool) -> None:
    """Print the tools of a file or module as a model is told of them.

    TARGET is file.py, module, or either with :name.  What a provider's dialect cannot say is listed on standard error.
    """
    profile = profile_named(provider) if provider else UNKNOWN
    shown = []
    for tool in find_tools(target):
        spec = tool.spec
        asked = ToolSpec(spec.name, spec.description, spec.parameters, strict or spec.strict)
        shown.append(tool_fields(asked, profile))
        dialect = profile.strict_dialect if asked.strict and profile.strict_dialect else profile.dialect
        for lost in translate(dict(spec.parameters), dialect).lost:
            click.echo(f"{spec.name}: {lost}", err=True)
    click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
