"""The whole conformance suite: what every kind must do, and what those do that say they can."""

from __future__ import annotations

from agor_jupyter.testing.conformance import Case
from agor_jupyter.testing.conformance_abilities import ABILITIES
from agor_jupyter.testing.conformance_cases import BASIC

CASES: list[Case] = [*BASIC, *ABILITIES]
