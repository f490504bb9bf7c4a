"""A small real repository to work on, for tests of any kind of agent."""

from agor_jupyter.agents.demo.repository import BUG, write_demo_repo

__all__ = ["BUG", "write_demo_repo"]
