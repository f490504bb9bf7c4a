"""Tests of agents. What stories assert is told as what tests assert is."""

import pytest

pytest.register_assert_rewrite("tests.agents.form_stories")
