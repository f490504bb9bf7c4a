"""Codex as a kind of agent: its capabilities as data, its probe, its adapters."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from agor_jupyter.agents.base import AgentAdapter, Capabilities, Probe
from agor_jupyter.agents.codex import probe
from agor_jupyter.agents.codex.adapter import CodexAdapter
from agor_jupyter.domain.repo import ProjectFile

VARIABLES = (
    *probe.KEYS,
    "AZURE_OPENAI_API_KEY",
    "CODEX_CA_CERTIFICATE",
    "CODEX_HOME",
    "CODEX_SQLITE_HOME",
    "OPENAI_ORGANIZATION",
    "OPENAI_PROJECT",
)
"""What Codex may see of the server's environment beyond the common allow-list."""

PROJECT_FILES = (
    ProjectFile(path="AGENTS.md", effect="Codex reads it as instructions."),
    ProjectFile(path="AGENTS.override.md", effect="Codex reads it as instructions."),
    ProjectFile(
        path=".codex/",
        effect="Codex takes settings and rules from it; they can name tool servers and programs, "
        "and let commands run unasked.",
        runs=True,
    ),
    ProjectFile(path=".agents/skills/", effect="Codex offers these skills to the model."),
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
    project_files=PROJECT_FILES,
    runs_unasked_in_sandbox=True,
    notes={
        "elicitation": "Forms; a page to visit is refused, with a notice that says so. Codex itself cancels "
        "a form whose schema has a title.",
        "runs_unasked_in_sandbox": "Commands run unasked in Codex's own sandbox: it reads everything, writes "
        "nothing (in full auto: the worktree and the temporary folder), and has no network. Whatever needs "
        "more is asked first.",
        "commands": "/compact, /review, /init and the skills; the others are of Codex's terminal.",
        "cost": "Codex counts tokens and reports no cost.",
        "subagents": "Switched off: what Codex's subagents ask for could not be told apart.",
        "allow_always": "The same command or tool, or edits inside the worktree, for this session.",
        "set_model": "From the next turn on.",
        "set_effort": "From the next turn on.",
        "instructions": "AGENTS.md and the repository's own settings and skills, once it is trusted.",
    },
)


class CodexKind:
    """What the entry point `codex` names."""

    kind = "codex"
    title = "Codex"
    capabilities = CAPABILITIES
    variables = VARIABLES
    credentials = (*probe.KEYS, "AZURE_OPENAI_API_KEY")

    async def probe(self, environment: Mapping[str, str]) -> Probe:
        """Look for the program and a login; runs nothing."""
        return await asyncio.to_thread(probe.look, dict(environment))

    def make(self) -> AgentAdapter:
        return CodexAdapter()


kind = CodexKind()
