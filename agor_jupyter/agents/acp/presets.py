"""What is known of agents that speak ACP, as data: a command, hints, and where they leave the paths.

A preset adds no code to the connection. What an agent *can* do is asked of the agent at run time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from agor_jupyter.agents.acp import gemini_home, gemini_record
from agor_jupyter.agents.base import Capabilities, SessionSpec
from agor_jupyter.domain.content import Mode
from agor_jupyter.domain.repo import ProjectFile

PACKAGE_HINT = "Run `pip install 'agor-jupyter[acp]'` in the server's environment, then restart the server."


@dataclass(frozen=True)
class Quirks:
    """Where an agent does otherwise than the protocol, or tells more than it."""

    mode_words: str = ""
    """It tells a change of mode as words of the answer that begin so."""
    whole_thoughts: bool = False
    """Each of its chunks of thought is a thought of its own."""
    empty_subject: str = ""
    """What stands before a thought without a subject, and means nothing."""
    usage_path: tuple[str, ...] = ("usage",)
    """Where the usage of a turn stands in the answer to a prompt."""
    tool_servers_need_trust: bool = False
    """It starts no tool server in a repository that is not trusted."""
    instruction_files: tuple[str, ...] = ()
    """The files of a repository that it reads as instructions, where it is trusted."""
    limit_hint: str = ""
    """What to do when a turn ended at a limit of its own (`max_turn_requests`)."""
    commands_outlive_turns: bool = False
    """What it starts after it began are commands and tool servers: a stop ends those of earlier turns too."""


@dataclass(frozen=True)
class Preset:
    """One kind of agent. An empty `command` must come from the options of the kind."""

    kind: str
    title: str
    capabilities: Capabilities
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    variables: tuple[str, ...] = ()
    credentials: tuple[str, ...] = ()
    install_hint: str = ""
    login_hint: str = ""
    modes: Mapping[Mode, str] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    quirks: Quirks = Quirks()
    prepare: Callable[[SessionSpec], Mapping[str, str]] | None = None
    """Makes what the agent needs on disk; gives the variables that lead it there. Run in a thread."""
    fullness: Callable[[SessionSpec, str], tuple[int, int | None] | None] | None = None
    """Finds how full the context of a conversation is, and of how much, where the protocol does not tell
    it. Reads files: run in a thread."""
    logged_in: Callable[[Mapping[str, str]], bool | None] | None = None
    """Looks for a login. Reads small files: run in a thread."""


_OPENCODE_ASKS = {
    # The last rule that fits wins. To look is no act; a file of secrets is asked about all the same.
    "*": "ask",
    "read": {"*": "allow", "*.env": "ask", "*.env.*": "ask"},
    **dict.fromkeys(("glob", "grep", "list", "lsp", "skill", "task", "todoread", "todowrite"), "allow"),
}


@dataclass(frozen=True)
class Known:
    """What was seen of a program that speaks ACP, and cannot be asked of it before it starts."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that make it ask. What the option `environment` sets stands above them."""
    install: str = ""
    """How it is installed, as a sentence."""
    forks: bool = True
    """Whether the house may count on it; a fork is given a transcript elsewhere."""


KNOWN: Mapping[str, Known] = {
    "copilot": Known(install="Run `npm install -g @github/copilot`.", forks=False),
    "fast-agent-acp": Known(install="Run `pip install fast-agent-mcp` (Python 3.12 or newer).", forks=False),
    # It has no mode that asks: it acts unasked where no permission of its settings says otherwise.
    "opencode": Known(
        environment={"OPENCODE_PERMISSION": json.dumps(_OPENCODE_ASKS)},
        install="Run `npm install -g opencode-ai`.",
    ),
    "qwen": Known(install="Run `npm install -g @qwen-code/qwen-code` (Node 22 or newer).", forks=False),
    # It does fork, but no conversation that another process has open.
    "vibe-acp": Known(install="Run `pip install mistral-vibe` (Python 3.12 or newer).", forks=False),
}
"""By the program's name: the first word of a command line."""


COUNT_THE_SESSION = frozenset({"Copilot", "Mistral Vibe"})
"""Agents whose answers to a prompt tell the tokens of the whole session, as the protocol's words have it; the
others tell those of the turn. Known by the names that they give themselves."""

HTTP_ONLY = frozenset({"Copilot"})
"""Agents that take a client's tool servers over HTTP only, though the protocol wants stdio of all."""


def known_of(command: Sequence[str]) -> Known:
    """Give what is known of a command line's program; of most, nothing."""
    return KNOWN.get(PurePath(command[0]).name, Known()) if command else Known()


_TRUSTED_ONLY = "Only where the repository is trusted: elsewhere Gemini CLI starts no tool server."
_LISTED = "The models that it lists when it starts."
_RUN_TIME = "As far as the agent says it can when it starts; else it is refused by this name."

GENERIC = Preset(
    kind="acp",
    title="ACP agent",
    capabilities=Capabilities(
        thinking=True,
        plan=True,
        fork=True,
        set_model=True,
        set_effort=True,
        images=True,
        files=True,
        commands=True,
        context_usage=True,
        cost=True,
        mcp=True,
        house_tools=True,
        reads_untrusted=True,
        notes={
            "permissions": "What the agent asks for is decided here. What it does without asking is its own "
            "affair: choose one that asks, and its asking mode (option `modes`).",
            "allow_always": "The same command or tool, for this session; edits: inside the worktree. "
            "The agent itself is told `once`.",
            "questions": "The protocol has no stable way to ask a person.",
            "steer": "The protocol has no way to speak into a running turn: a prompt is queued.",
            "resume": _RUN_TIME,
            "fork": "As far as the agent says it can when it starts: elsewhere a fork is given a transcript.",
            "fork_at_message": "The protocol forks whole conversations only: "
            "elsewhere a fork is given a transcript.",
            "set_model": _RUN_TIME,
            "any_model": _LISTED,
            "set_effort": _RUN_TIME,
            "images": _RUN_TIME,
            "instructions": "Which files of the repository it reads is the agent's affair.",
            "reads_untrusted": "The protocol has no word for trust: it starts in trusted repositories only.",
            "context_usage": "If the agent tells it.",
            "compaction": "The protocol does not tell it.",
            "cost": "If the agent tells it, in US dollars.",
            "elicitation": "The protocol's way to pass such questions on is not stable: none is offered, so "
            "the agent declines them itself.",
            "subagents": "The protocol does not tell them apart.",
        },
    ),
    install_hint="Add one by its command line (Add an agent, in Agents and keys), or set "
    "`c.AgorApp.agent_options = {'acp': {'command': ['name-of-the-agent', '--acp']}}` in "
    "jupyter_server_config.py.",
    login_hint="Log in with the agent's own program in a terminal, then resume the session.",
)

_GEMINI_FILES = (
    ProjectFile(path="GEMINI.md", effect="Gemini CLI reads it as instructions.", anywhere=True),
    ProjectFile(
        path=".gemini/",
        effect="Gemini CLI takes settings, skills and hooks from it; they can name programs.",
        runs=True,
    ),
    ProjectFile(path=".agents/skills/", effect="Gemini CLI offers these skills to the model."),
    ProjectFile(path=".env", effect="Gemini CLI takes variables from it.", secret=True),
)

GEMINI = Preset(
    kind="gemini",
    title="Gemini CLI",
    capabilities=Capabilities(
        thinking=True,
        fork=False,
        set_model=True,
        images=True,
        files=True,
        commands=True,
        context_usage=True,
        mcp=True,
        house_tools=True,
        instructions=True,
        project_files=_GEMINI_FILES,
        notes={
            "permissions": "Reading, listing and searching inside the worktree run unasked in every mode. "
            "The words of a rejection stay here: Gemini CLI only learns that it was rejected.",
            "allow_always": "The same command or tool, for this session; edits: inside the worktree. "
            "Gemini CLI itself is told `once`.",
            "questions": "Gemini CLI leaves its question tool out where it speaks ACP.",
            "plan": "Gemini CLI does not tell its to-do list.",
            "steer": "A second prompt would cancel the first: it is queued.",
            "fork": "Gemini CLI cannot fork: a fork is given a transcript of the conversation so far.",
            "fork_at_message": "Gemini CLI cannot fork: a fork is given a transcript.",
            "any_model": _LISTED,
            "set_effort": "Gemini CLI has no such setting.",
            "context_usage": "At the end of a turn, from Gemini CLI's own record of its last request; of the "
            "1,048,576 tokens that it reckons with for every Gemini model.",
            "compaction": "Gemini CLI has no `/compress` over ACP; it compacts by itself, untold.",
            "cost": "Gemini CLI does not tell it.",
            "elicitation": "Gemini CLI takes no questions of an MCP server, and tells the server so.",
            "mcp": _TRUSTED_ONLY,
            "house_tools": _TRUSTED_ONLY,
            "instructions": "GEMINI.md and .gemini/ are read only where the repository is trusted.",
            "subagents": "Gemini CLI does not tell them apart.",
        },
    ),
    command=("gemini", "--acp"),
    environment={"GEMINI_CLI_NO_RELAUNCH": "true", "GEMINI_TELEMETRY_ENABLED": "false"},
    variables=gemini_home.VARIABLES,
    credentials=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    install_hint="Run `npm install -g @google/gemini-cli` (Node 20 or newer). With an API key alone, the "
    "agent Gemini API works without it.",
    login_hint="Run `gemini` in a terminal and log in, or set GEMINI_API_KEY among your keys. "
    "With an API key alone, the agent Gemini API does too.",
    modes={"ask": "default", "accept_edits": "default", "full_auto": "default", "plan": "plan"},
    models=("auto", "gemini-2.5-pro", "gemini-2.5-flash"),
    quirks=Quirks(
        mode_words="[MODE_UPDATE] ",
        whole_thoughts=True,
        empty_subject="****\n",
        usage_path=("_meta", "quota", "token_count"),
        tool_servers_need_trust=True,
        instruction_files=("GEMINI.md",),
        limit_hint="Gemini CLI made as many requests as the option `max_session_turns`, or its own "
        "`model.maxSessionTurns`, allows, or it went in circles. It counts anew when the session is resumed.",
        commands_outlive_turns=True,
    ),
    prepare=gemini_home.prepare,
    fullness=gemini_record.fullness,
    logged_in=gemini_home.logged_in,
)
