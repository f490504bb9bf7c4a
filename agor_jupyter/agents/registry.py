"""Which kinds of agent there are: the entry points of the group `agor_jupyter.agents`.

A kind is loaded when it is asked for. One that cannot be loaded is listed as not installed, with
the reason in its hint; it never stops the others. What only a list, or a kind that is not built in,
needs is imported there: each runner has this module.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from agor_jupyter.agents.base import AgentAdapter, AgentKind, Capabilities, Configurable, Probe
from agor_jupyter.domain.errors import AgentUnavailable, Unprocessable

GROUP = "agor_jupyter.agents"

BUILT_IN: Mapping[str, str] = {
    "acp": "agor_jupyter.agents.acp:kind",
    "claude": "agor_jupyter.agents.claude:kind",
    "codex": "agor_jupyter.agents.codex:kind",
    "demo": "agor_jupyter.agents.demo:kind",
    "gemini": "agor_jupyter.agents.acp:gemini",
    "gemini_api": "agor_jupyter.agents.gemini_api:kind",
    "openai": "agor_jupyter.agents.openai:kind",
}
"""The kinds of this package, so that a source tree that is not installed has them too."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BrokenKind:
    """Stands for an entry point that cannot be loaded."""

    kind: str
    error: str

    @property
    def title(self) -> str:
        return self.kind

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities()

    @property
    def variables(self) -> tuple[str, ...]:
        return ()

    async def probe(self, environment: Mapping[str, str]) -> Probe:
        return Probe(installed=False, hint=self.error)

    def make(self) -> AgentAdapter:
        raise AgentUnavailable(f"The agent {self.kind} cannot be loaded.", hint=self.error)


def get(kind: str) -> AgentKind:
    """Load one kind. Raises `Unprocessable` when nothing of that name is there."""
    if kind in BUILT_IN:
        # Without a look at what is installed: a runner starts in a third of a second, and reading
        # the metadata of a hundred packages would take a good part of another.
        return _load(kind, BUILT_IN[kind])
    from agor_jupyter.agents import named

    if named.is_named(kind):
        return named.bare(kind)
    places = _places()
    if kind not in places:
        raise Unprocessable(
            f"There is no agent {kind!r}.", hint=f"Known agents: {', '.join(sorted(places))}.", agent=kind
        )
    return _load(kind, places[kind])


def list_kinds(options: Mapping[str, Mapping[str, Any]] | None = None) -> list[AgentKind]:
    """Load all kinds, by name; broken ones are there as `BrokenKind`. `options` are the server's, by kind."""
    kinds = [_load(kind, place) for kind, place in sorted(_places().items())]
    return [_configured(kind, (options or {}).get(kind.kind)) for kind in kinds]


def _configured(kind: AgentKind, options: Mapping[str, Any] | None) -> AgentKind:
    return kind.with_options(options) if options and isinstance(kind, Configurable) else kind


def _places() -> dict[str, str]:
    from importlib import metadata

    from agor_jupyter.agents import named

    places = {point.name: point.value for point in metadata.entry_points(group=GROUP)}
    # Ours win: a third-party package must not be able to put itself in a built-in agent's place.
    return {name: place for name, place in {**places, **BUILT_IN}.items() if not named.is_named(name)}


_loaded: dict[str, AgentKind] = {}


def _load(name: str, place: str) -> AgentKind:
    key = f"{name}={place}"
    if key not in _loaded:
        try:
            module, _, attribute = place.partition(":")
            found = getattr(importlib.import_module(module.strip()), attribute.split("[")[0].strip())
        except Exception as error:  # supervises foreign code: whatever it raises at import is reported
            log.warning("agent %s cannot be loaded: %s", name, error)
            return BrokenKind(name, f"Loading {place} failed: {type(error).__name__}: {error}")
        _loaded[key] = cast(AgentKind, found)
    return _loaded[key]
