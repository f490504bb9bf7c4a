"""Harnesses of the built-in kinds, one module a kind: each makes the real agent act by a scripted model.

A module is imported when it is asked for; it needs no SDK to be imported.
"""

from __future__ import annotations

from collections.abc import Mapping

HARNESSES: Mapping[str, str] = {
    "acp": "agor_jupyter.testing.harnesses.acp:AcpHarness",
    "claude": "agor_jupyter.testing.harnesses.claude:ClaudeHarness",
    "codex": "agor_jupyter.testing.harnesses.codex:CodexHarness",
    "demo": "agor_jupyter.testing.conformance_demo:ScriptedHarness",
    "gemini": "agor_jupyter.testing.harnesses.gemini:GeminiHarness",
    "gemini_api": "agor_jupyter.testing.harnesses.gemini_api:GeminiApiHarness",
    "openai": "agor_jupyter.testing.harnesses.openai:ChatHarness",
}
"""Where the harness of a kind is: `module:Class`."""
