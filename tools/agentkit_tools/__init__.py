"""Ready-made tools, one family a module.  They need nothing but agentkit and the standard library."""

from agentkit_tools.calculator import calculate
from agentkit_tools.dates import date_tools
from agentkit_tools.files import file_tools
from agentkit_tools.sql import sql_tools

__all__ = ["calculate", "date_tools", "file_tools", "sql_tools"]
