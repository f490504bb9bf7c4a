"""Claude Code as a kind of agent: its capabilities as data, its probe, its adapters."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from agor_jupyter.agents.base import AgentAdapter, Capabilities, Probe
from agor_jupyter.agents.claude import probe
from agor_jupyter.agents.claude.adapter import ClaudeAdapter
from agor_jupyter.domain.repo import ProjectFile

VARIABLES = (
    *probe.KEYS,
    *probe.CLOUDS,
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_CUSTOM_HEADERS",
    "ANTHROPIC_MODEL",
    "ANTHROPIC_DEFAULT_OPUS_MODEL",
    "ANTHROPIC_DEFAULT_SONNET_MODEL",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL",
    "ANTHROPIC_BEDROCK_BASE_URL",
    "ANTHROPIC_VERTEX_BASE_URL",
    "ANTHROPIC_VERTEX_PROJECT_ID",
    "AWS_PROFILE",
    "AWS_REGION",
    "CLOUD_ML_REGION",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "CLAUDE_CONFIG_DIR",
    "CLAUDE_CODE_MAX_RETRIES",
    "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
    "API_TIMEOUT_MS",
    "BASH_DEFAULT_TIMEOUT_MS",
    "BASH_MAX_TIMEOUT_MS",
    "MAX_THINKING_TOKENS",
    "MCP_TIMEOUT",
    "MCP_TOOL_TIMEOUT",
)
"""What Claude Code may see of the server's environment beyond the common allow-list."""

MEMORY = "Claude Code reads it as instructions."
PROJECT_FILES = (
    ProjectFile(path="CLAUDE.md", effect=MEMORY, anywhere=True),
    ProjectFile(path="CLAUDE.local.md", effect=MEMORY, anywhere=True),
    ProjectFile(path="AGENTS.md", effect="Claude Code reads it as instructions where there is no CLAUDE.md."),
    *(
        ProjectFile(
            path=f".claude/{name}",
            effect="Its hooks are programs that Claude Code runs without asking; it sets variables.",
            runs=True,
        )
        for name in ("settings.json", "settings.local.json")
    ),
    ProjectFile(
        path=".claude/",
        effect="Claude Code takes instructions, commands, subagents, skills, styles and rules from it.",
        runs=True,
    ),
    ProjectFile(
        path=".mcp.json",
        effect="Names tool servers; Claude Code does not start them here, trusted or not.",
        active=False,
    ),
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
    cost=True,
    mcp=True,
    elicitation=True,
    house_tools=True,
    instructions=True,
    subagents=True,
    project_files=PROJECT_FILES,
    runs_unasked_in_sandbox=False,
    notes={
        "elicitation": "Forms; a page to visit is refused, with a notice that says so.",
        "permissions": "Reading, listing and searching inside the worktree, and shell commands that Claude "
        "Code knows to be read-only (ls, cat, git status …), run unasked in every mode.",
        "steer": "Heard when the tool that runs has ended; where none follows, it is answered before the "
        "task ends.",
        "fork_at_message": "At the end of a turn; at none from before a compaction.",
        "set_effort": "A model that does not know an effort works with what it knows.",
        "mcp": "A server that does not answer within 10 s (MCP_TIMEOUT) is gone on without.",
        "instructions": "Of a trusted repository only: CLAUDE.md and what it names, else AGENTS.md.",
        "allow_always": "The same command, until the agent's process ends; edits: inside the worktree.",
        "cost": "As Claude Code reports it, of this turn; unknown for the first turn after a lost record.",
    },
)


class ClaudeKind:
    """What the entry point `claude` names."""

    kind = "claude"
    title = "Claude Code"
    capabilities = CAPABILITIES
    variables = VARIABLES
    credentials = probe.KEYS

    async def probe(self, environment: Mapping[str, str]) -> Probe:
        """Look for the package, its CLI and a login; runs nothing."""
        return await asyncio.to_thread(probe.look, dict(environment))

    def make(self) -> AgentAdapter:
        return ClaudeAdapter()


kind = ClaudeKind()
