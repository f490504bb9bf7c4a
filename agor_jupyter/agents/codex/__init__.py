"""Codex as an agent, through `codex app-server`. Importing this room starts nothing."""

from agor_jupyter.agents.codex.kind import kind

__all__ = ["kind"]
