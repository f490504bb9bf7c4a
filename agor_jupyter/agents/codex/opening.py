"""The first calls to a fresh server: greeting, login, and the conversation begun, resumed or forked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import Any

from agor_jupyter.agents.base import SessionSpec
from agor_jupyter.agents.codex import options, skills, turns
from agor_jupyter.agents.codex.commands import COMMANDS
from agor_jupyter.agents.codex.ledger import Ledger
from agor_jupyter.agents.codex.skills import Skill
from agor_jupyter.agents.codex.wire import Refused, Wire
from agor_jupyter.domain.errors import AgentUnavailable
from agor_jupyter.domain.events import AgentReady
from agor_jupyter.domain.session import ForkPoint

CALL_SECONDS = 30.0
"""Generous: a cold disk, a large conversation."""

CLIENT = {"name": "agor_jupyter", "title": "Agor for Jupyter", "version": "1"}


@dataclass(frozen=True)
class Opened:
    """A conversation that is live. `fork` is where it began, if it shares history; `params`, what it was
    opened with; `skills`, those that a prompt may call.
    """

    thread: str
    params: Mapping[str, Any]
    skills: tuple[Skill, ...]
    model: str
    planning: bool
    instructions: tuple[str, ...]
    fork: ForkPoint | None


async def greet(wire: Wire, key: str) -> str:
    """Say hello, log in with `key` (kept in memory) where a login is needed. Gives the version."""
    capabilities = {"experimentalApi": True}
    hello = {"clientInfo": CLIENT, "capabilities": capabilities}
    found = await wire.call("initialize", hello, seconds=CALL_SECONDS)
    await wire.notify("initialized")
    if key:
        account = await wire.call("account/read", {}, seconds=CALL_SECONDS)
        if account.get("requiresOpenaiAuth") and not account.get("account"):
            login = {"type": "apiKey", "apiKey": key}
            await wire.call("account/login/start", login, seconds=CALL_SECONDS)
    return version_of(str(found.get("userAgent", "")))


def version_of(agent: str) -> str:
    """Read the version out of `agor_jupyter/0.163.0 (Debian …)`."""
    return agent.partition("/")[2].partition(" ")[0]


async def open_thread(wire: Wire, spec: SessionSpec, ledger: Ledger | None, shell_marker: str) -> Opened:
    """Begin, resume or fork. Raises `AgentUnavailable` when there is no such conversation."""
    config, found = await asyncio.gather(_config(wire), _skills(wire, spec))
    left_off = [skill.path for skill in found if skill.repository and not spec.trusted]
    params = options.thread_params(
        spec,
        mode=spec.mode,
        model=spec.model,
        effort=spec.effort,
        shell_marker=shell_marker,
        repository_skills=left_off,
        config=config,
    )
    known = tuple(skill for skill in found if skill.enabled and skill.path not in left_off)
    opened = partial(_opened, spec, params, known)
    fork = spec.fork
    if spec.native_ref:
        try:
            resume = {**params, "threadId": spec.native_ref, "excludeTurns": True}
            return opened(await wire.call("thread/resume", resume, seconds=CALL_SECONDS), None)
        except Refused as error:
            if ledger is None or not ledger.known or ledger.prompted:
                raise _unknown(error) from error
            fork = ledger.fork  # started before, but never prompted: Codex has not written a word of it
    if fork is not None:
        at = {"lastTurnId": fork.message_ref} if fork.message_ref else {}
        asked = {**params, **at, "threadId": fork.native_ref, "excludeTurns": True}
        try:
            return opened(await wire.call("thread/fork", asked, seconds=CALL_SECONDS), fork)
        except Refused as error:
            raise _unknown(error) from error
    asked = {**params, "dynamicTools": options.tools_of(spec)}
    return opened(await wire.call("thread/start", asked, seconds=CALL_SECONDS), None)


@dataclass(frozen=True)
class Choices:
    """What Codex says there is to choose from. The efforts are those of the model in use."""

    told: AgentReady
    models: tuple[Mapping[str, Any], ...]

    def of_model(self, model: str) -> AgentReady:
        return self.told.model_copy(update={"model": model, "efforts": efforts_of(self.models, model)})


async def choices(wire: Wire, opened: Opened, version: str) -> Choices:
    """Ask what there is to choose from."""
    answer = await wire.call("model/list", {}, seconds=CALL_SECONDS)
    models = tuple(item for item in answer.get("data") or () if isinstance(item, Mapping))
    shown = [item for item in models if not item.get("hidden")]
    told = AgentReady(
        native_ref=opened.thread,
        version=version,
        model=opened.model,
        models=tuple(str(item.get("model")) for item in shown),
        model_labels={
            str(item.get("model")): str(item["displayName"]) for item in shown if item.get("displayName")
        },
        efforts=efforts_of(models, opened.model),
        commands=(*COMMANDS, *map(skills.command_of, opened.skills)),
        instructions=opened.instructions,
    )
    return Choices(told, models)


def efforts_of(models: Sequence[Mapping[str, Any]], model: str) -> tuple[str, ...]:
    """List the efforts of the model in use; of one that is not listed, none is known."""
    found = next((item for item in models if item.get("model") == model), {})
    efforts = found.get("supportedReasoningEfforts") or ()
    return tuple(str(item.get("reasoningEffort")) for item in efforts if isinstance(item, Mapping))


def died(wire: Wire) -> AgentUnavailable:
    """Say why the server ended before there was a conversation."""
    said = next((row for row in reversed(wire.stderr_tail().split("\n")) if row.strip()), "")
    return AgentUnavailable(
        f"Codex did not start: {turns.sentence(said) or 'it ended at once.'}",
        hint="Try `codex` in a terminal of this machine; it says more.",
    )


def _opened(
    spec: SessionSpec,
    params: Mapping[str, Any],
    known: tuple[Skill, ...],
    answer: Mapping[str, Any],
    fork: ForkPoint | None,
) -> Opened:
    thread = answer.get("thread") or {}
    mode = answer.get("collaborationMode") or {}
    sources = (str(path) for path in answer.get("instructionSources") or ())
    return Opened(
        thread=str(thread.get("id", "")),
        params=params,
        skills=known,
        model=str(answer.get("model") or ""),
        planning=mode.get("mode") == "plan",
        instructions=tuple(path for path in sources if PurePath(path).is_relative_to(spec.worktree)),
        fork=fork,
    )


async def _config(wire: Wire) -> Mapping[str, Any]:
    """Read the person's own settings, as Codex has understood them."""
    answer = await wire.call("config/read", {"includeLayers": False}, seconds=CALL_SECONDS)
    config = answer.get("config")
    return config if isinstance(config, Mapping) else {}


async def _skills(wire: Wire, spec: SessionSpec) -> tuple[Skill, ...]:
    """List the skills, those of the repository too: what is not trusted must be known to be left off."""
    return skills.read(await wire.call("skills/list", {"cwds": [spec.worktree]}, seconds=CALL_SECONDS))


def _unknown(error: Refused) -> AgentUnavailable:
    return AgentUnavailable(
        f"Codex has no record of this conversation any more: {error.message}",
        hint="Begin a new session in this worktree; the transcript stays as it is.",
    )
