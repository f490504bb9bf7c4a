"""Whether Codex is there, and whether someone is logged in: looked up, never run."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from agor_jupyter.agents import registry
from agor_jupyter.agents.codex import probe

pytest.importorskip("codex_cli_bin")


async def test_the_probe_looks_and_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = registry.get("codex")
    environment = {"HOME": str(tmp_path), "PATH": str(tmp_path)}
    found = await kind.probe(environment)
    assert (found.installed, found.authenticated) == (True, False)
    assert found.version.startswith("0.163.")
    assert "login" in found.hint
    for name in probe.KEYS:
        assert (await kind.probe({**environment, name: "x"})).authenticated is True
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "auth.json").write_text("{}")
    assert (await kind.probe(environment)).authenticated is True
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    missing = await kind.probe(environment)
    assert not missing.installed
    assert "agor-jupyter[codex]" in missing.hint
    (tmp_path / "codex").write_text("#!/bin/sh\n")
    (tmp_path / "codex").chmod(0o755)
    assert (await kind.probe(environment)).installed


@pytest.mark.parametrize(
    ("config", "environment", "wanted"),
    [
        ("", {}, False),
        ('cli_auth_credentials_store = "keyring"', {}, None),
        ('model_provider = "mine"\n[model_providers.mine]\nenv_key = "MINE"', {}, False),
        ('model_provider = "mine"\n[model_providers.mine]\nenv_key = "MINE"', {"MINE": "x"}, True),
        ('model_provider = "ollama"', {}, None),
        ("broken [", {}, False),
    ],
)
def test_a_login_is_looked_for_where_the_settings_say(
    tmp_path: Path, config: str, environment: dict[str, str], wanted: bool | None
) -> None:
    (tmp_path / "config.toml").write_text(config)
    seen = {"CODEX_HOME": str(tmp_path), **environment}
    assert probe.is_authenticated(seen, probe.config_of(seen)) is wanted


def test_no_variable_of_the_server_is_asked_for() -> None:
    for name in registry.get("codex").variables:
        assert not name.startswith(("JUPYTER", "JPY_", "AGOR_"))
