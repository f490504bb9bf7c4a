"""ACP agents as kinds: capabilities as data, a probe that only looks, adapters."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agor_jupyter.agents.acp import probe
from agor_jupyter.agents.acp.adapter import AcpAdapter
from agor_jupyter.agents.acp.presets import GEMINI, GENERIC, Preset, known_of
from agor_jupyter.agents.acp.settings import references_of, settings_of
from agor_jupyter.agents.base import AgentAdapter, Capabilities, Probe
from agor_jupyter.domain.errors import Unprocessable


class AcpKind:
    """What an entry point names: one preset, with the options of this server."""

    def __init__(self, preset: Preset, options: Mapping[str, Any] | None = None) -> None:
        self._preset = preset
        self._options = dict(options or {})

    def with_options(self, options: Mapping[str, Any]) -> AcpKind:
        """Give this kind as the server's options make it."""
        return AcpKind(self._preset, options)

    @property
    def kind(self) -> str:
        return self._preset.kind

    @property
    def title(self) -> str:
        title = self._options.get("title")
        return title if isinstance(title, str) and title else self._preset.title

    @property
    def capabilities(self) -> Capabilities:
        able = self._preset.capabilities
        given = self._options.get("command")
        command = given if isinstance(given, list | tuple) else self._preset.command
        if not able.fork or known_of([str(word) for word in command]).forks:
            return able
        note = f"{self.title} cannot fork: a fork is given a transcript of the conversation so far."
        return able.model_copy(update={"fork": False, "notes": {**able.notes, "fork": note}})

    @property
    def variables(self) -> tuple[str, ...]:
        return self._preset.variables

    @property
    def credentials(self) -> tuple[str, ...]:
        given = self._options.get("credentials")
        listed = given if isinstance(given, list | tuple) else ()
        referred = references_of(self._options.get("environment"))
        return tuple(dict.fromkeys([*self._preset.credentials, *map(str, listed), *referred]))

    async def probe(self, environment: Mapping[str, str]) -> Probe:
        """Look for the package, the command and a login; runs nothing."""
        try:
            settings = settings_of(self._preset, self._options)
        except Unprocessable as error:
            return Probe(installed=False, hint=error.detail)
        return await asyncio.to_thread(probe.look, self._preset, settings, dict(environment))

    def make(self) -> AgentAdapter:
        return AcpAdapter(self._preset)


def named(kind: str, command: tuple[str, ...], options: Mapping[str, Any]) -> AcpKind:
    """Make a kind of its own for a command line; without one, it only has its name."""
    program = command[0] if command else ""
    known = known_of(command).install
    hint = f"{known} The server must find it: else give its whole path." if known else ""
    hint = hint or f"Install {program!r} where the server finds it, or mend the command line of this agent."
    title = kind.partition(".")[2]
    preset = replace(GENERIC, kind=kind, title=title, command=command, install_hint=hint if program else "")
    return AcpKind(preset, options)


kind = AcpKind(GENERIC)
gemini = AcpKind(GEMINI)
