"""`python -m agentkit.cli` is the command."""

from agentkit.cli import main

main()
