"""The agents that are installed here, with what they said of themselves a moment ago."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from agor_jupyter.agents.base import AgentKind, Probe, credentials_of
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.ports import Clock

PROBE_KEPT_MS = 30_000
PROBE_SECONDS = 5.0
MOST_KEPT = 1000


class Catalogue:
    """Agent kinds by name. A probe is kept for 30 s; concurrent askers share one.

    Whoever has credentials of their own has probes of their own.
    """

    def __init__(self, kinds: Mapping[str, AgentKind], environment: Mapping[str, str], clock: Clock) -> None:
        self._kinds = dict(kinds)
        self._environment = dict(environment)
        self._clock = clock
        self._kept: dict[tuple[str, str], tuple[int, Probe]] = {}
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

    def has(self, name: str) -> bool:
        return name in self._kinds

    def put(self, kind: AgentKind) -> None:
        """Add a kind, or put it in the place of the one of its name; it is probed anew."""
        self._kinds[kind.kind] = kind
        self._locks.setdefault(kind.kind, asyncio.Lock())
        self._forget_kind(kind.kind)

    def drop(self, name: str) -> None:
        """List a kind no longer."""
        self._kinds.pop(name, None)
        self._forget_kind(name)

    def _forget_kind(self, name: str) -> None:
        self._kept = {key: kept for key, kept in self._kept.items() if key[0] != name}

    async def probe(self, name: str, user: str = "", own: Mapping[str, str] | None = None) -> Probe:
        """Say whether the agent can be used now; never raises for one that cannot.

        `own` are the credentials that `user` has set for it.
        """
        kind = self.kind(name)
        key = (name, user if own else "")
        async with self._locks[name]:
            kept = self._kept.get(key)
            if kept is not None and self._clock() - kept[0] < PROBE_KEPT_MS:
                return kept[1]
            try:
                async with asyncio.timeout(PROBE_SECONDS):
                    probe = await kind.probe(with_own(kind, self._environment, own or {}))
            except TimeoutError:
                probe = Probe(installed=False, hint=f"{kind.title} did not answer in {PROBE_SECONDS:g} s.")
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key] = (self._clock(), probe)
            return probe

    def has_variable(self, name: str) -> bool:
        """Say whether an agent may find this variable in the server's own environment."""
        return name in self._environment

    def forget(self, user: str | None = None) -> None:
        """Probe anew at the next question (something was installed, or a login happened).

        With a `user`: for them alone, whose credentials have changed.
        """
        self._kept = {key: kept for key, kept in self._kept.items() if user is not None and key[1] != user}


def with_own(kind: AgentKind, environment: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Put a person's own credentials into an agent's environment.

    Where they bring any of the kind's, the machine's give way as a whole: an agent that knows several
    might else take the machine's.
    """
    theirs = set(credentials_of(kind))
    given = theirs & own.keys()
    kept = {name: value for name, value in environment.items() if not given or name not in theirs}
    return {**kept, **own}
