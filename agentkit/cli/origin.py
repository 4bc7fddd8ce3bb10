"""Where in the user's own code an error came from."""

import sys
import traceback
from pathlib import Path


def where(error: BaseException) -> str:
    """The innermost line of the user's own files that led to an error."""
    frames = traceback.extract_tb(error.__traceback__)
    libraries = (str(Path(__file__).parent.parent), sys.prefix, sys.base_prefix, "<")
    own = [frame for frame in frames if not frame.filename.startswith(libraries)]
    return f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""
