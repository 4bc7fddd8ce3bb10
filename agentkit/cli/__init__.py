"""The command.  Errors are one sentence and an exit code."""

import os
import sys

import click

from agentkit.cli.call import call
from agentkit.cli.chat import chat
from agentkit.cli.demo import demo
from agentkit.cli.export import export
from agentkit.cli.fork import fork, replay
from agentkit.cli.local import local
from agentkit.cli.probe import probe
from agentkit.cli.resume import approve, resume
from agentkit.cli.run import run
from agentkit.cli.runs import prune, runs
from agentkit.cli.schema import schema
from agentkit.cli.show import diff, show
from agentkit.cli.tail import tail
from agentkit.cli.targets import where
from agentkit.cli.ui import ui
from agentkit.errors import AgentkitError, ModelError, UsageError
from agentkit.secrets import scrub

UNFINISHED, MISUSED, MODEL_FAILED, CANCELLED = 1, 2, 3, 130
"""Exit codes: the run did not complete, the command cannot work, the model failed, Ctrl-C."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="agentkit-core", prog_name="agentkit")
def group() -> None:
    """Run agents, look at tools, and watch what happens."""


for command in (
    demo,
    run,
    chat,
    runs,
    show,
    tail,
    diff,
    ui,
    resume,
    approve,
    fork,
    replay,
    export,
    prune,
    schema,
    call,
    probe,
    local,
):
    group.add_command(command)


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
