"""What became of a run, and what would have: told as a story, compared, played again, and gone on with differently."""

from agentkit.debug.diff import Diff, diff
from agentkit.debug.fork import Change, fork
from agentkit.debug.replay import Replay, replay
from agentkit.debug.story import story

__all__ = ["Change", "Diff", "Replay", "diff", "fork", "replay", "story"]
