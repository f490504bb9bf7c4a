"""What `SessionSpec.options` may hold for an ACP agent, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agor_jupyter.agents.acp.presets import Preset
from agor_jupyter.domain.content import Mode
from agor_jupyter.domain.credential import references_in
from agor_jupyter.domain.errors import AgentUnavailable, Unprocessable


class Settings(BaseModel):
    """The options of a kind. What is not known is left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    command: tuple[str, ...] = ()
    """The command line of the agent; replaces the preset's."""
    title: str = ""
    login: str = ""
    """The agent's own name of the way to log in, for those that want to be told (`authenticate`)."""
    environment: dict[str, str] = {}
    """Variables for the agent. A secret is written `${NAME}`: options are not safe for its value."""
    credentials: tuple[str, ...] = ()
    """Secrets that the agent takes from its environment, by name: each person may set their own."""
    max_session_turns: int | None = Field(None, ge=1)
    """Gemini CLI alone: how many requests one process of it may make (see `gemini_home`)."""
    modes: dict[Mode, str] = {}
    """Which of the agent's own modes stands for ours, where the usual names do not fit."""


def references_of(environment: object) -> tuple[str, ...]:
    """Name the credentials that the option `environment` refers to as `${NAME}`."""
    values = environment.values() if isinstance(environment, Mapping) else ()
    return references_in("\n".join(str(value) for value in values))


def settings_of(preset: Preset, options: Mapping[str, Any]) -> Settings:
    """Check the options. Raises `Unprocessable` that names the wrong one."""
    try:
        return Settings.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise Unprocessable(f"The {preset.title} setting {name!r} is wrong: {first['msg']}.") from error


def command_of(preset: Preset, settings: Settings) -> tuple[str, ...]:
    """Give the command line. Raises `AgentUnavailable` where nobody has set one."""
    command = settings.command or preset.command
    if not command:
        raise AgentUnavailable(f"{preset.title} has no command.", hint=preset.install_hint)
    return command
