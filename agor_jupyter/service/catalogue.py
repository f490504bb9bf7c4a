"""The agents that are installed here, with what they said of themselves a moment ago."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from agor_jupyter.agents.base import AgentKind, Probe
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.ports import Clock

PROBE_KEPT_MS = 30_000
PROBE_SECONDS = 5.0


class Catalogue:
    """Agent kinds by name. A probe is kept for 30 s; concurrent askers share one."""

    def __init__(self, kinds: Mapping[str, AgentKind], environment: Mapping[str, str], clock: Clock) -> None:
        self._kinds = dict(kinds)
        self._environment = dict(environment)
        self._clock = clock
        self._kept: dict[str, tuple[int, Probe]] = {}
        self._locks = {kind: asyncio.Lock() for kind in self._kinds}

    def kinds(self) -> tuple[AgentKind, ...]:
        return tuple(self._kinds.values())

    def kind(self, name: str) -> AgentKind:
        """Give the kind of that name. Raises `Unprocessable`."""
        try:
            return self._kinds[name]
        except KeyError:
            known = ", ".join(sorted(self._kinds)) or "none"
            raise Unprocessable(
                f"There is no agent {name[:80]!r}.", hint=f"Agents here: {known}.", agent=name[:80]
            ) from None

    async def probe(self, name: str) -> Probe:
        """Say whether the agent can be used now; never raises for one that cannot."""
        kind = self.kind(name)
        async with self._locks[name]:
            kept = self._kept.get(name)
            if kept is not None and self._clock() - kept[0] < PROBE_KEPT_MS:
                return kept[1]
            try:
                async with asyncio.timeout(PROBE_SECONDS):
                    probe = await kind.probe(self._environment)
            except TimeoutError:
                probe = Probe(installed=False, hint=f"{kind.title} did not answer in {PROBE_SECONDS:g} s.")
            self._kept[name] = (self._clock(), probe)
            return probe

    def forget(self) -> None:
        """Probe anew at the next question (something was installed, or a login happened)."""
        self._kept.clear()
