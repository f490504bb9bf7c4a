"""A model behind the Gemini API as an agent, for people who have only a key. Imports no SDK."""

from agor_jupyter.agents.gemini_api.kind import kind

__all__ = ["kind"]
