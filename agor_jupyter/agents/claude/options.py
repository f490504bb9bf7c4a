"""How Claude Code is started: `ClaudeAgentOptions`, settings and environment from a `SessionSpec`.

docs/agents-claude.md lists what is used of the SDK's options and what is not, and why.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from claude_agent_sdk import CanUseTool, ClaudeAgentOptions, HookMatcher
from claude_agent_sdk.types import McpServerConfig, PermissionMode, SettingSource
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agor_jupyter.agents.base import SessionSpec
from agor_jupyter.agents.claude import mcp, probe
from agor_jupyter.agents.claude.probe import EFFORTS
from agor_jupyter.agents.claude.tools import HOUSE
from agor_jupyter.agents.claude.turns import BUDGET_HINT, BUDGET_SPENT
from agor_jupyter.agents.process import SPAWN_MARKER
from agor_jupyter.domain.content import Mode
from agor_jupyter.domain.errors import AgentUnavailable, Unprocessable
from agor_jupyter.domain.session import ForkPoint

BUFFER_BYTES = 64 * 2**20
"""The SDK's default of 1 MB ends the session on the first notebook with an image."""

KEEP_DAYS = 3650
"""The CLI deletes transcripts that are older; ours are what `resume` needs."""

MODES: Mapping[Mode, PermissionMode] = {
    "ask": "default",
    "accept_edits": "default",
    "full_auto": "default",
    "plan": "plan",
}
"""Our policy decides, so the CLI asks in every mode but plan, which also tells the model to plan.
Never acceptEdits or bypassPermissions: then acts would pass that no log has seen asked."""

NOT_OFFERED = (
    "EnterWorktree",
    "ExitWorktree",
    "CronCreate",
    "CronDelete",
    "CronList",
    "ScheduleWakeup",
    "ListAgents",
    "SendMessage",
)
"""Tools that would work in a checkout that nobody asked to be touched, begin turns by a clock, or
begin them in other people's sessions on this machine (through sockets in /tmp, past the house)."""

DEFAULTS = {
    "CLAUDE_CODE_ENABLE_TODO_TOOLS": "1",  # newer models have no plan tool without it
    "CLAUDE_CODE_ENABLE_TASKS": "0",  # TodoWrite sets the whole plan, so it is right after a resume too
    "MCP_TIMEOUT": "10000",  # milliseconds that the first prompt waits for MCP servers; 30 s by default
}
"""What holds unless the person's environment says otherwise."""

_SDK_NAMES = (
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_AGENT_SDK_VERSION",
    "CLAUDE_CODE_SDK_READS_SESSION_STATE",
    "CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING",
    "PWD",
)


Effort = Literal["low", "medium", "high", "xhigh", "max"]


class Settings(BaseModel):
    """What `SessionSpec.options` may hold for this kind. What it does not know is left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    config_dir: str = ""
    max_turns: int | None = None
    max_budget_usd: float | None = Field(None, gt=0, allow_inf_nan=False)
    """What the whole conversation may cost, by the prices that Claude Code knows."""
    output_style: str = ""
    """One that Claude Code lists (`readiness.check_style`). Empty: its own, or a trusted repository's."""
    effort: Effort | None = None
    """Where `SessionSpec.effort` says nothing."""


@dataclass(frozen=True)
class Opening:
    """How a conversation is opened: begun as `native_ref`, resumed as it, or forked into it."""

    native_ref: str
    resume: bool = False
    fork: ForkPoint | None = None


def settings_of(spec: SessionSpec) -> Settings:
    """Check the kind's own settings."""
    try:
        return Settings.model_validate(spec.options)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise Unprocessable(f"The Claude setting {name!r} is wrong: {first['msg']}.") from error


def budget_left(spec: SessionSpec, spent_usd: float) -> float | None:
    """Give what this process may spend: Claude Code counts from each start anew. None: no limit."""
    budget = settings_of(spec).max_budget_usd
    if budget is not None and spent_usd >= budget:
        raise AgentUnavailable(BUDGET_SPENT, hint=BUDGET_HINT)
    return None if budget is None else budget - spent_usd


def effort_of(spec: SessionSpec) -> Effort | None:
    """Give the session's effort. None: the model's own."""
    return check_effort(spec.effort) or settings_of(spec).effort


def check_effort(effort: str) -> Effort | None:
    """Refuse what Claude Code would leave aside without a word."""
    known: Effort | None = next((item for item in get_args(Effort) if item == effort), None)
    if effort and known is None:
        raise Unprocessable(
            f"Claude Code knows no effort {effort[:80]!r}.", hint=f"Choose one of: {', '.join(EFFORTS)}."
        )
    return known


def build(
    spec: SessionSpec,
    *,
    cli: str,
    launcher: Path,
    opening: Opening,
    marker: str,
    can_use_tool: CanUseTool,
    on_stderr: Callable[[str], None],
    spent_usd: float = 0.0,
    house: McpServerConfig | None = None,
    hooks: dict[Any, list[HookMatcher]] | None = None,
) -> ClaudeAgentOptions:
    """Make the SDK's options. `launcher` was written by `write_launcher`; `house` serves our tools.
    `spent_usd` is what the conversation has cost so far.

    Looks at the machine's login on disk: run it in a thread.
    """
    settings = settings_of(spec)
    sources: list[SettingSource] = ["project", "local"] if spec.trusted else []
    servers = mcp.servers_of(spec.mcp_servers, spec.environment)
    ours: dict[str, McpServerConfig] = {HOUSE: house} if house is not None else {}
    fork = opening.fork
    return ClaudeAgentOptions(
        cwd=spec.worktree,
        cli_path=launcher,
        model=model_of(spec.model),
        permission_mode=MODES[spec.mode],
        tools={"type": "preset", "preset": "claude_code"},
        disallowed_tools=list(NOT_OFFERED),
        system_prompt=(
            {"type": "preset", "preset": "claude_code", "append": spec.system_append}
            if spec.system_append
            else {"type": "preset", "preset": "claude_code"}
        ),
        setting_sources=sources,
        settings=json.dumps(_own_settings(settings)),
        mcp_servers={**servers.config, **ours},
        strict_mcp_config=True,
        env=environment_of(spec, settings, cli=cli, marker=marker, more=servers.variables),
        can_use_tool=can_use_tool,
        hooks=hooks,
        stderr=on_stderr,
        include_partial_messages=True,
        forward_subagent_text=True,
        max_buffer_size=BUFFER_BYTES,
        enable_file_checkpointing=True,
        extra_args={"replay-user-messages": None},
        max_turns=settings.max_turns,
        max_budget_usd=budget_left(spec, spent_usd),
        effort=effort_of(spec),
        session_id=None if opening.resume else opening.native_ref,
        resume=opening.native_ref if opening.resume else (fork.native_ref if fork is not None else None),
        fork_session=fork is not None,
        resume_session_at=(fork.message_ref or None) if fork is not None else None,
    )


def _own_settings(settings: Settings) -> dict[str, Any]:
    """Give the settings of Claude Code's own that we hand over: they count before a repository's."""
    style = {"outputStyle": settings.output_style} if settings.output_style else {}
    return {"cleanupPeriodDays": KEEP_DAYS, **style}


def model_of(name: str) -> str | None:
    """Give what the CLI takes: the account's default has no name."""
    return name if name and name != "default" else None


def environment_of(
    spec: SessionSpec, settings: Settings, *, cli: str, marker: str, more: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Give what the SDK adds to the environment, with the order for the launcher in it.

    The SDK copies our own environment too; the launcher keeps only the names that are listed here.
    """
    environment = {
        **DEFAULTS,
        "AGOR_SESSION": spec.session_id,
        **spec.environment,
        **(more or {}),
        SPAWN_MARKER: marker.partition("=")[2],
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    if settings.config_dir:
        environment["CLAUDE_CONFIG_DIR"] = settings.config_dir
    if _would_send_the_machines_key(spec, environment):
        headers = environment.get("ANTHROPIC_CUSTOM_HEADERS", "")
        environment["ANTHROPIC_CUSTOM_HEADERS"] = f"{headers}\nx-api-key:".lstrip()
    keep = [*environment, *_SDK_NAMES]
    order = {"cli": cli, "keep": keep, "parent": os.getpid()}
    return {**environment, "AGOR_LAUNCH": json.dumps(order)}


def _would_send_the_machines_key(spec: SessionSpec, environment: Mapping[str, str]) -> bool:
    """Say whether the CLI would send the key of the machine's login *beside* the owner's own token."""
    name = "ANTHROPIC_AUTH_TOKEN"
    own = name in spec.credentials and environment.get(name) and not environment.get("ANTHROPIC_API_KEY")
    # On macOS the key is in the key chain, where we cannot look.
    return bool(own) and (sys.platform == "darwin" or probe.keeps_a_key(environment))


def transcript_of(spec: SessionSpec, native_ref: str) -> Path | None:
    """Find the CLI's own record of a conversation, whatever folder it worked in. Reads the disk."""
    return next((config_dir_of(spec) / "projects").glob(f"*/{native_ref}.jsonl"), None)


def config_dir_of(spec: SessionSpec) -> Path:
    """Find where the CLI keeps logins and transcripts for this session."""
    named = settings_of(spec).config_dir or spec.environment.get("CLAUDE_CONFIG_DIR")
    home = spec.environment.get("HOME") or str(Path.home())
    return Path(named) if named else Path(home) / ".claude"


def write_launcher(state_dir: Path) -> Path:
    """Write the small executable that stands between the SDK and the CLI. It holds no secret."""
    path = state_dir / "claude-launch"
    words = [sys.executable, "-I", "-S", str(Path(__file__).resolve().with_name("launch.py"))]
    text = f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'
    # Replaced as a whole: another session of this person may be starting from it right now.
    fresh = state_dir / f"claude-launch.{os.getpid()}"
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(0o700)
    fresh.replace(path)
    return path
