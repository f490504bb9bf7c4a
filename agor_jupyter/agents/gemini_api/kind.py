"""The Gemini API as a kind of agent: its capabilities as data, its probe, its adapters."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from agor_jupyter.agents.base import AgentAdapter, Capabilities, Probe
from agor_jupyter.agents.gemini_api import probe
from agor_jupyter.agents.workbench.adapter import BenchAdapter
from agor_jupyter.agents.workbench.settings import Setup

VARIABLES = (*probe.KEYS, "GOOGLE_GEMINI_BASE_URL")

SETUP = Setup(
    kind="gemini_api",
    title="Gemini API",
    module="agor_jupyter.agents.gemini_api.model",
    packages=("google.genai",),
    install_hint=probe.INSTALL_HINT,
    secrets=VARIABLES,
    instructions=("GEMINI.md", "AGENTS.md"),
    context_size=1_000_000,
)

CAPABILITIES = Capabilities(
    thinking=True,
    questions=True,
    plan=True,
    steer=True,
    fork=True,
    fork_at_message=True,
    set_model=True,
    any_model=True,
    set_effort=True,
    images=True,
    files=True,
    commands=True,
    context_usage=True,
    compaction=True,
    mcp=True,
    elicitation=True,
    house_tools=True,
    instructions=True,
    project_files=SETUP.project_files,
    notes={
        "elicitation": "Forms; a page to visit is refused, with a notice that says so.",
        "thinking": "Summaries of the model's thoughts, as the API gives them.",
        "permissions": "Reading, listing and searching inside the worktree run unasked in every mode.",
        "steer": "Heard with the next request to the model, when the tool that runs has ended; where none "
        "follows, it is answered before the task ends.",
        "set_effort": "A thinking level (Gemini 3 and later) or a thinking budget (2.5).",
        "cost": "The API tells tokens, no prices.",
        "subagents": "There are none.",
        "instructions": "GEMINI.md, else AGENTS.md, at the top of a trusted worktree, and its skills.",
    },
)


class GeminiApiKind:
    """What the entry point `gemini_api` names."""

    kind = SETUP.kind
    title = SETUP.title
    capabilities = CAPABILITIES
    variables = VARIABLES
    credentials = probe.KEYS

    async def probe(self, environment: Mapping[str, str]) -> Probe:
        """Look for the package and a key; calls nothing."""
        return await asyncio.to_thread(probe.look, dict(environment))

    def make(self) -> AgentAdapter:
        return BenchAdapter(SETUP)


kind = GeminiApiKind()
