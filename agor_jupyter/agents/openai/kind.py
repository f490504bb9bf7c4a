"""The OpenAI API as a kind of agent: its capabilities as data, its probe, its adapters."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from agor_jupyter.agents.base import AgentAdapter, Capabilities, Probe
from agor_jupyter.agents.openai import probe
from agor_jupyter.agents.workbench.adapter import BenchAdapter
from agor_jupyter.agents.workbench.settings import Setup

VARIABLES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID")

SETUP = Setup(
    kind="openai",
    title="OpenAI API",
    module="agor_jupyter.agents.openai.model",
    packages=("openai", "agents"),
    install_hint=probe.INSTALL_HINT,
    secrets=VARIABLES,
    instructions=("AGENTS.md",),
    context_size=128_000,
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
        "thinking": "Summaries of the reasoning, where the model and the server give them.",
        "permissions": "Reading, listing and searching inside the worktree run unasked in every mode.",
        "steer": "Heard with the next request to the model, when the tool that runs has ended; where none "
        "follows, it is answered before the task ends.",
        "set_effort": "Only models that reason take it; another one refuses the request.",
        "images": "Only models that see take them.",
        "cost": "The API tells tokens, no prices.",
        "subagents": "There are none.",
        "instructions": "AGENTS.md at the top of a trusted worktree, and its skills.",
    },
)


class OpenAiKind:
    """What the entry point `openai` names."""

    kind = SETUP.kind
    title = SETUP.title
    capabilities = CAPABILITIES
    variables = VARIABLES
    credentials = ("OPENAI_API_KEY",)

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        self._options = dict(options or {})

    def with_options(self, options: Mapping[str, Any]) -> OpenAiKind:
        """Give this kind as the server's options make it."""
        return OpenAiKind(options)

    async def probe(self, environment: Mapping[str, str]) -> Probe:
        """Look for the packages and a key; calls nothing."""
        base_url = str(self._options.get("base_url") or "")
        return await asyncio.to_thread(probe.look, dict(environment), base_url)

    def make(self) -> AgentAdapter:
        return BenchAdapter(SETUP)


kind = OpenAiKind()
