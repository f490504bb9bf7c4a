"""The whole conformance suite: what every kind must do, what those do that say they can, and faults."""

from __future__ import annotations

from agor_jupyter.testing.conformance import Case
from agor_jupyter.testing.conformance_abilities import ABILITIES
from agor_jupyter.testing.conformance_cases import BASIC
from agor_jupyter.testing.conformance_faults import FAULTS
from agor_jupyter.testing.conformance_forms import FORMS

CASES: list[Case] = [*BASIC, *ABILITIES, *FORMS, *FAULTS]
