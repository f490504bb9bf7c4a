"""The demo agent: it plays a script, does real work in the worktree, and needs no account."""

from agor_jupyter.agents.demo.kind import kind

__all__ = ["kind"]
