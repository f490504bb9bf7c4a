"""What may be chosen in a session of an ACP agent: its mode, its model, its effort; and its commands."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from acp.exceptions import RequestError

from agor_jupyter.agents.acp import content, offers, turns
from agor_jupyter.agents.acp.client import Client
from agor_jupyter.agents.acp.offers import Choice, Offer
from agor_jupyter.agents.acp.presets import Preset
from agor_jupyter.agents.base import SessionSpec
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.domain.content import Mode, SlashCommand
from agor_jupyter.domain.errors import AgentUnavailable, Conflict, TimedOut, UnsupportedByAgent
from agor_jupyter.domain.events import AgentReady, EffortChanged, ModeChanged, ModelChanged, Notice

CONTROL_SECONDS = 15.0

log = logging.getLogger(__name__)


class Choosing:
    """Keeps what the agent offers and what holds now; sends what is chosen."""

    def __init__(self, preset: Preset, outbox: Outbox) -> None:
        self._preset = preset
        self._outbox = outbox
        self._offer = Offer()
        self._client: Client | None = None
        self._session = ""
        self._modes: Mapping[Mode, str] = {}
        self._mode: Mode = "ask"
        self._home = ""
        self._told: AgentReady | None = None
        self.commands: tuple[SlashCommand, ...] = ()

    async def open(
        self, client: Client, session: str, answer: object, spec: SessionSpec, modes: Mapping[Mode, str]
    ) -> None:
        """Take what the session offers, and choose what the spec wants."""
        self._client, self._session = client, session
        self._modes = {**self._preset.modes, **modes}
        self._offer = offers.offer_of(answer)
        self._home = offers.home_of(self._offer.modes)
        await self.set_mode(spec.mode)
        if offers.asks_nobody(self._offer.modes.current):
            self._warn_unasking()
        if spec.model and spec.model not in ("default", self._offer.models.current):
            await self.set_model(spec.model)
        if spec.effort and spec.effort != self._offer.efforts.current:
            await self.set_effort(spec.effort)

    def ready(self, version: str, instructions: tuple[str, ...], unable: tuple[str, ...] = ()) -> AgentReady:
        """Say what is really there: an empty list of models, efforts or commands means none."""
        self._told = AgentReady(
            native_ref=self._session,
            version=version,
            model=self._offer.models.current,
            models=self._offer.models.values,
            model_labels=self._offer.models.labels,
            efforts=self._offer.efforts.values,
            commands=self.commands,
            instructions=instructions,
            unable=unable,
        )
        return self._told

    async def set_mode(self, mode: Mode) -> None:
        """Switch for what follows. The agent hears of it only where its own mode changes."""
        before, self._mode = self._mode, mode
        wanted = offers.mode_for(mode, self._offer.modes, self._modes, self._home)
        if not wanted or wanted == self._offer.modes.current:
            return
        try:
            await self._choose("mode", self._offer.modes, wanted, "session/set_mode", "modeId")
        except (Conflict, TimedOut):
            self._mode = before
            raise
        self._offer = replace(self._offer, modes=replace(self._offer.modes, current=wanted))

    async def set_model(self, model: str) -> None:
        if not self._offer.models.values:
            raise UnsupportedByAgent(self._preset.kind, "set_model", hint="It offers no choice of models.")
        await self._choose("model", self._offer.models, model, "session/set_model", "modelId")
        self._offer = replace(self._offer, models=replace(self._offer.models, current=model))

    async def set_effort(self, effort: str) -> None:
        if not self._offer.efforts.config_id:
            raise UnsupportedByAgent(self._preset.kind, "set_effort", hint="It offers no choice of efforts.")
        await self._choose("effort", self._offer.efforts, effort, "", "")
        self._offer = replace(self._offer, efforts=replace(self._offer.efforts, current=effort))

    async def _choose(self, what: str, choice: Choice, value: str, method: str, name: str) -> None:
        """Choose by a configuration option where there is one, else by the method of its own."""
        if self._client is None:
            raise AgentUnavailable(f"{self._preset.title} has ended.", hint="Resume the session.")
        params = {"sessionId": self._session, name: value}
        if choice.config_id:
            method = "session/set_config_option"
            params = {"sessionId": self._session, "configId": choice.config_id, "value": value}
        try:
            answer = await self._client.call(method, params, CONTROL_SECONDS)
        except RequestError as error:
            said = turns.sentence(str(error))
            raise Conflict(f"{self._preset.title} refused the {what} {value!r}: {said}") from error
        except TimeoutError as error:
            raise TimedOut(f"{self._preset.title} did not answer in time.", hint="Try again.") from error
        except ConnectionError as error:
            raise AgentUnavailable(f"{self._preset.title} has ended.", hint="Resume the session.") from error
        if choice.config_id and isinstance(answer, Mapping):
            before, self._offer = self._offer, offers.with_config(self._offer, answer.get("configOptions"))
            self._tell_what_is_new(before)

    # --- what the agent says -------------------------------------------------

    def hear(self, update: Mapping[str, Any]) -> bool:
        """Take an update that is about choices; say whether it was one."""
        match update.get("sessionUpdate"):
            case "available_commands_update":
                self._set_commands(offers.commands_of(update.get("availableCommands")))
            case "current_mode_update":
                self._mode_became(str(update.get("currentModeId") or ""))
            case "config_option_update":
                self._became(offers.with_config(self._offer, update.get("configOptions")))
            case "agent_message_chunk":
                words = self._preset.quirks.mode_words
                text = content.block_text(update.get("content"))
                if not words or not text.startswith(words):
                    return False
                self._mode_became(text.removeprefix(words).strip())
            case _:
                return False
        return True

    def _set_commands(self, commands: tuple[SlashCommand, ...]) -> None:
        changed, self.commands = commands != self.commands, commands
        if changed:
            self._tell_again()

    def _tell_what_is_new(self, before: Offer) -> None:
        now = self._offer
        if (now.models.values, now.efforts.values) != (before.models.values, before.efforts.values):
            self._tell_again()

    def _tell_again(self) -> None:
        """What is offered has changed in mid-session."""
        if self._told is not None:
            self._outbox.put(self.ready(self._told.version, self._told.instructions, self._told.unable))

    def _became(self, offer: Offer) -> None:
        before, self._offer = self._offer, offer
        if self._told is None:
            return
        self._tell_what_is_new(before)
        if offer.models.current != before.models.current:
            self._outbox.put(ModelChanged(model=offer.models.current))
        if offer.efforts.current != before.efforts.current:
            self._outbox.put(EffortChanged(effort=offer.efforts.current))
        if offer.modes.current != before.modes.current:
            self._offer = replace(offer, modes=replace(offer.modes, current=before.modes.current))
            self._mode_became(offer.modes.current)

    def _mode_became(self, mode_id: str) -> None:
        """The agent is in another mode: ours follows into and out of planning, and nowhere else."""
        before = self._offer.modes.current
        self._offer = replace(self._offer, modes=replace(self._offer.modes, current=mode_id))
        wanted = offers.mode_for(self._mode, self._offer.modes, self._modes, self._home)
        if self._told is None or mode_id in (before, wanted):
            return
        if offers.asks_nobody(mode_id):
            self._warn_unasking()
            return
        self._mode = "plan" if offers.is_plan(mode_id) else "ask"
        self._outbox.put(ModeChanged(mode=self._mode))

    def _warn_unasking(self) -> None:
        current = self._offer.modes.current
        self._outbox.put(
            Notice(
                level="warning",
                text=f"{self._preset.title} is in its mode {current!r}: it may act without asking.",
                hint="Set the option `modes` of this kind to a mode in which it asks.",
            )
        )
