"""The command.  Errors are one sentence and an exit code."""

import os
import sys
from importlib import import_module

import click

from agentkit.cli.origin import where
from agentkit.errors import AgentkitError, ModelError, UsageError
from agentkit.secrets import scrub

UNFINISHED, MISUSED, MODEL_FAILED, CANCELLED = 1, 2, 3, 130
"""Exit codes: the run did not complete, the command cannot work, the model failed, Ctrl-C."""

MODULES = {
    "demo": "demo",
    "run": "run",
    "chat": "chat",
    "runs": "runs",
    "show": "show",
    "tail": "tail",
    "diff": "show",
    "ui": "ui",
    "resume": "resume",
    "approve": "resume",
    "fork": "fork",
    "replay": "fork",
    "export": "export",
    "prune": "runs",
    "schema": "schema",
    "call": "call",
    "probe": "probe",
    "local": "local",
}
"""The commands, in the order in which help shows them, and the modules of this package that they are in."""


class Commands(click.Group):
    """Loads a command when it is asked for: loading all of them takes longer than most of them work."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [*MODULES]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in MODULES:
            return None
        command = getattr(import_module(f"agentkit.cli.{MODULES[cmd_name]}"), cmd_name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="agentkit-core", prog_name="agentkit")
def group() -> None:
    """Run agents, look at tools, and watch what happens."""


def main() -> None:
    """The entry point of the command."""
    try:
        group(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(CANCELLED)
    except AgentkitError as error:
        click.echo(f"error: {scrub(str(error))}", err=True)
        sys.exit(
            MODEL_FAILED if isinstance(error, ModelError) else MISUSED if isinstance(error, UsageError) else UNFINISHED
        )
    except BrokenPipeError:
        # Whoever read the output has gone, as `head` does; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(UNFINISHED)
    except Exception as error:  # noqa: BLE001 - what an agent is made of may raise anything
        click.echo(f"error: {type(error).__name__}: {scrub(str(error))}{where(error)}", err=True)
        sys.exit(UNFINISHED)
