"""The Gemini API agent passes the suite that every kind of agent must pass."""

from __future__ import annotations

import pytest

from agor_jupyter.testing.harnesses.gemini_api import GeminiApiHarness
from tests.agents.workbench.choosing import chosen_cases

pytest.importorskip("google.genai")

test_conformance = chosen_cases(GeminiApiHarness)
