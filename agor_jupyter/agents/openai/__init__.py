"""A model behind the OpenAI API, or any server that speaks it, as an agent. Imports no SDK."""

from agor_jupyter.agents.openai.kind import kind

__all__ = ["kind"]
