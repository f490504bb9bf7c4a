"""What Claude Code says of itself when it has started, or why it has not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from claude_agent_sdk import ClaudeSDKClient

from agor_jupyter.agents.base import SessionSpec
from agor_jupyter.agents.claude import turns
from agor_jupyter.agents.claude.control import control
from agor_jupyter.agents.claude.probe import EFFORTS
from agor_jupyter.agents.claude.tools import relative_to
from agor_jupyter.domain.content import SlashCommand
from agor_jupyter.domain.errors import AgentUnavailable, AgorError, Unprocessable
from agor_jupyter.domain.events import AgentReady

INSTRUCTIONS_SECONDS = 3.0
"""Claude Code counts their tokens, which asks its server; where that is away, none are listed."""


def ready(
    native_ref: str, spec: SessionSpec, info: Mapping[str, Any], instructions: tuple[str, ...]
) -> AgentReady:
    """Translate the answer to the first request."""
    models = [item for item in info.get("models") or () if "value" in item]
    return AgentReady(
        native_ref=native_ref,
        version=str(info.get("claude_code_version") or ""),
        model=spec.model,
        models=tuple(str(item["value"]) for item in models),
        model_labels={
            str(item["value"]): str(item["displayName"]) for item in models if item.get("displayName")
        },
        efforts=efforts_of(info),
        commands=commands_of(info),
        instructions=instructions,
    )


def commands_of(info: Mapping[str, Any]) -> tuple[SlashCommand, ...]:
    """List the slash commands: Claude Code's own, and those that the person or a trusted project brings."""
    found = [item for item in info.get("commands") or () if item.get("name")]
    return tuple(
        SlashCommand.told(item["name"], item.get("description"), item.get("argumentHint")) for item in found
    )


def check_style(info: Mapping[str, Any], style: str) -> None:
    """Refuse a style of the answers that Claude Code would leave aside without a word.

    It lists its own, and those of a trusted repository; their names are told apart by case.
    """
    listed = [str(name) for name in info.get("available_output_styles") or ()]
    if style and style not in listed:
        raise Unprocessable(
            f"Claude Code knows no output style {style[:80]!r} here.",
            hint=f"Set `output_style` to one of: {', '.join(listed)}. A trusted repository can have more.",
        )


def efforts_of(info: Mapping[str, Any]) -> tuple[str, ...]:
    """List the efforts that any of the models knows: the model may be switched, and this is told once."""
    found = {
        str(level) for model in info.get("models") or () for level in model.get("supportedEffortLevels") or ()
    }
    return tuple(effort for effort in EFFORTS if effort in found) or EFFORTS


async def instructions_of(client: ClaudeSDKClient, spec: SessionSpec) -> tuple[str, ...]:
    """List the project's instruction files that were really read; paths in the worktree are relative."""
    if not spec.trusted:
        return ()
    try:
        usage = await control(client.get_context_usage(), INSTRUCTIONS_SECONDS)
    except AgorError:
        return ()
    paths = (str(item.get("path", "")) for item in usage.get("memoryFiles") or ())
    return tuple(dict.fromkeys(relative_to(path, spec.worktree) for path in paths if path))


def unavailable(error: Exception, stderr: Iterable[str], program: str) -> AgentUnavailable:
    """Say in Claude Code's own words why it did not start. `program` is what says more in a terminal."""
    said = next((line for line in reversed(list(stderr)) if line.strip()), "") or str(error)
    both = f"{said}\n{error}"
    if "No conversation found" in both:
        return AgentUnavailable(
            "Claude Code has no record of this conversation any more.",
            hint="Begin a new session in this worktree; the transcript stays as it is.",
        )
    if "No message found" in both:
        return AgentUnavailable(
            "Claude Code has no record of the message to fork at.",
            hint="Fork the whole conversation, or at a later message: what came before a compaction is gone.",
        )
    return AgentUnavailable(
        f"Claude Code did not start: {turns.sentence(said)}",
        hint=f"Try `{program}` in a terminal of this machine; it says more.",
    )
