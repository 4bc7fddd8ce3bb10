"""`python -m agentkit` is the command."""

from agentkit.cli import main

main()
