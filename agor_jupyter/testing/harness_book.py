"""Finds harnesses, and asks them what they say of themselves. See `conformance.Harness`."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Protocol, cast

from agor_jupyter.agents.base import AgentKind, Configurable
from agor_jupyter.agents.process import allowed_environment
from agor_jupyter.testing.conformance import Harness
from agor_jupyter.testing.harnesses import HARNESSES


class NoHarness(Exception):
    """There is no such harness; the message says what to give."""


class MakeHarness(Protocol):
    """A harness class: made without arguments, once for each case."""

    def __call__(self) -> Harness: ...


def harness_of(place: str) -> MakeHarness:
    """Find a harness class by the name of a built-in kind, or by `module:Class`. Raises `NoHarness`."""
    place = HARNESSES.get(place, place)
    module, _, name = place.partition(":")
    if not name:
        known = ", ".join(sorted(HARNESSES))
        raise NoHarness(f"There is no harness {place!r}: give one of {known}, or module:Class.")
    try:
        return cast(MakeHarness, getattr(importlib.import_module(module), name))
    except (ImportError, AttributeError) as error:
        raise NoHarness(f"The harness {place} cannot be loaded: {error}") from error


def for_case(make: MakeHarness, case: str) -> Harness:
    """Make the harness of one case. A class with a method `for_case` chooses by the case's name."""
    chosen = getattr(make, "for_case", None)
    return cast(Harness, chosen(case)) if chosen is not None else make()


def beyond(make: MakeHarness) -> Mapping[str, str]:
    """Give the cases that a harness cannot play, though its kind says that it can, and why."""
    return cast(Mapping[str, str], getattr(make, "BEYOND", {}))


async def look(make: MakeHarness) -> tuple[AgentKind, str, str]:
    """Give the kind, its version, and why it cannot be tried here ("" when it can)."""
    harness = make()
    try:
        kind = harness.kind
        options = harness.options()
        probed = kind.with_options(options) if options and isinstance(kind, Configurable) else kind
        probe = await probed.probe(allowed_environment(os.environ))
        missing = "" if probe.installed else probe.hint or "It is not installed."
        return kind, probe.version, missing
    finally:
        await harness.close()
