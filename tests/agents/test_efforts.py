"""The efforts that are listed before a session starts, against what each SDK or program documents."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, get_args

import pytest

from agor_jupyter.agents import registry
from agor_jupyter.agents.base import Probe

LISTING_SECONDS = 60


async def found(kind: str, tmp_path: Path) -> Probe:
    return await registry.get(kind).probe({"HOME": str(tmp_path), "PATH": str(tmp_path)})


async def test_claude_lists_what_its_sdk_takes(tmp_path: Path) -> None:
    types = pytest.importorskip("claude_agent_sdk.types")
    assert (await found("claude", tmp_path)).efforts == get_args(types.EffortLevel)


async def test_openai_lists_what_its_sdk_takes(tmp_path: Path) -> None:
    shared = pytest.importorskip("openai.types.shared.reasoning_effort")
    pytest.importorskip("agents")
    literal: Any = get_args(shared.ReasoningEffort)[0]
    assert (await found("openai", tmp_path)).efforts == get_args(literal)


async def test_gemini_api_lists_levels_that_its_sdk_takes(tmp_path: Path) -> None:
    types = pytest.importorskip("google.genai.types")
    efforts = (await found("gemini_api", tmp_path)).efforts
    assert efforts
    assert {effort.upper() for effort in efforts} <= {level.value for level in types.ThinkingLevel}


async def test_codex_lists_those_of_the_models_it_brings(tmp_path: Path) -> None:
    program = pytest.importorskip("codex_cli_bin").bundled_codex_path()
    environment = {"CODEX_HOME": str(tmp_path), "PATH": ""}
    said = subprocess.run(
        [str(program), "debug", "models"],
        env=environment,
        capture_output=True,
        check=True,
        timeout=LISTING_SECONDS,
    )
    models = json.loads(said.stdout)["models"]
    levels = {level["effort"] for model in models for level in model["supported_reasoning_levels"]}
    assert set((await found("codex", tmp_path)).efforts) == levels


@pytest.mark.parametrize("kind", ["acp", "claude", "codex", "demo", "gemini", "gemini_api", "openai"])
async def test_a_kind_without_efforts_says_why(kind: str, tmp_path: Path) -> None:
    made = registry.get(kind)
    probe = await made.probe({"HOME": str(tmp_path), "PATH": str(tmp_path)})
    if probe.installed and not probe.efforts:
        assert made.capabilities.notes.get("set_effort")
