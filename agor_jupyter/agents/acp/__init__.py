"""Agents that speak the Agent Client Protocol, by their command line: any of them, and presets.

Importing this room imports no SDK.
"""

from agor_jupyter.agents.acp.kind import gemini, kind

__all__ = ["gemini", "kind"]
