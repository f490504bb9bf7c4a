"""Claude Code as an agent, through `claude-agent-sdk`. Importing this room imports no SDK."""

from agor_jupyter.agents.claude.kind import kind

__all__ = ["kind"]
