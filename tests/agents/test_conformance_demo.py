"""The demo agent passes the suite that every kind of agent must pass."""

from agor_jupyter.testing.conformance_demo import ScriptedHarness
from agor_jupyter.testing.conformance_pytest import conformance_test

test_conformance = conformance_test(ScriptedHarness)
