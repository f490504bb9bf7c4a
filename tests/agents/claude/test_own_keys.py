"""A key that the session's owner has set counts before the machine's login, in the real CLI."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.testing.anthropic_server import AnthropicServer

FAR = 4_000_000_000_000
"""Milliseconds since 1970: a login that has not run out."""


def log_in(place: Path, account: Path) -> None:
    """Log the machine in, in both ways that Claude Code keeps in files."""
    place.mkdir(parents=True, exist_ok=True)
    login = {
        "accessToken": "sk-ant-oat01-of-the-machine",
        "refreshToken": "sk-ant-ort01-of-the-machine",
        "expiresAt": FAR,
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
    }
    (place / ".credentials.json").write_text(json.dumps({"claudeAiOauth": login}), encoding="utf-8")
    account.write_text(json.dumps({"primaryApiKey": "sk-ant-of-the-machine"}), encoding="utf-8")


def told(server: AnthropicServer) -> set[tuple[str, str]]:
    """Give the credentials that the server was shown: (x-api-key, authorization)."""
    return {(one.headers.get("x-api-key", ""), one.headers.get("authorization", "")) for one in server.asked}


@pytest.mark.parametrize("named", [False, True], ids=["home", "config_dir"])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ANTHROPIC_API_KEY", ("of-the-owner", "")),
        ("ANTHROPIC_AUTH_TOKEN", ("", "Bearer of-the-owner")),
        ("CLAUDE_CODE_OAUTH_TOKEN", ("", "Bearer of-the-owner")),
    ],
)
async def test_the_owners_key_is_what_the_server_gets(
    talk: Callable[..., Any],
    server: AnthropicServer,
    tmp_path: Path,
    name: str,
    expected: tuple[str, str],
    named: bool,
) -> None:
    home = tmp_path / "home"
    folder, account = (tmp_path / "config", tmp_path / "config") if named else (home / ".claude", home)
    log_in(folder, account / ".claude.json")
    environment = {"ANTHROPIC_API_KEY": "", name: "of-the-owner"}
    chat = await talk(
        environment={**environment, "CLAUDE_CONFIG_DIR": str(folder) if named else ""}, credentials=(name,)
    )
    assert (await chat.prompt("Hello")).stop_reason == "end_turn"
    assert told(server) == {expected}


async def test_who_has_set_a_key_and_a_token_is_known_by_both(
    talk: Callable[..., Any], server: AnthropicServer, tmp_path: Path
) -> None:
    log_in(tmp_path / "config", tmp_path / "config" / ".claude.json")
    environment = {"ANTHROPIC_API_KEY": "own-key", "ANTHROPIC_AUTH_TOKEN": "own-token"}
    chat = await talk(environment=environment, credentials=tuple(environment))
    assert (await chat.prompt("Hello")).stop_reason == "end_turn"
    assert told(server) == {("own-key", "Bearer own-token")}


async def test_without_one_the_machines_login_counts(
    talk: Callable[..., Any], server: AnthropicServer, tmp_path: Path
) -> None:
    """So the login above is a real one, which the CLI would have used."""
    log_in(tmp_path / "config", tmp_path / "config" / ".claude.json")
    chat = await talk(environment={"ANTHROPIC_API_KEY": ""})
    assert (await chat.prompt("Hello")).stop_reason == "end_turn"
    ((key, authorization),) = told(server)
    assert "of-the-machine" in key + authorization
