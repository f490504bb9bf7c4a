"""A key that the session's owner has set counts before the machine's login, and no command sees it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.base import SessionSpec
from agor_jupyter.agents.codex import options
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.testing.responses_server import ResponsesServer
from tests.agents.codex.conftest import MODEL


@pytest.mark.parametrize(
    ("environment", "own", "login", "expected"),
    [
        ({"OPENAI_API_KEY": "o"}, (), False, "o"),
        ({"OPENAI_API_KEY": "o"}, (), True, ""),
        ({"OPENAI_API_KEY": "o"}, ("OPENAI_API_KEY",), True, "o"),
        ({"OPENAI_API_KEY": "o", "CODEX_API_KEY": "c"}, (), True, "c"),
        ({"OPENAI_API_KEY": "o", "CODEX_API_KEY": "c"}, ("OPENAI_API_KEY", "CODEX_API_KEY"), True, "c"),
        ({}, ("OPENAI_API_KEY",), True, ""),
    ],
)
def test_which_key_codex_logs_in_with(
    tmp_path: Path, environment: dict[str, str], own: tuple[str, ...], login: bool, expected: str
) -> None:
    if login:
        (tmp_path / "auth.json").write_text("{}", encoding="utf-8")
    assert options.key_of(environment, tmp_path, own) == expected


def test_commands_see_nothing_that_the_owner_has_set(tmp_path: Path) -> None:
    spec = SessionSpec(
        session_id=SessionId("ses_0000000000000001"),
        worktree=str(tmp_path),
        state_dir=str(tmp_path),
        environment={"MY_WORD": "w", "OPENAI_API_KEY": "o"},
        credentials=("MY_WORD", "OPENAI_API_KEY"),
    )
    params = options.thread_params(
        spec, mode="ask", model="", effort="", shell_marker="A=b", repository_skills=(), config={}
    )
    assert {"MY_WORD", "OPENAI_API_KEY"} <= set(params["config"]["shell_environment_policy"]["exclude"])


def log_in_by_openai(home: Path, server: ResponsesServer) -> None:
    """Lead Codex to the scripted server as it is led to OpenAI's: by a login, the machine's."""
    config = server.codex_config(MODEL).replace('env_key = "SCRIPTED_API_KEY"', "requires_openai_auth = true")
    (home / ".codex" / "config.toml").write_text(config, encoding="utf-8")
    login = {"auth_mode": "apikey", "OPENAI_API_KEY": "of-the-machine"}
    (home / ".codex" / "auth.json").write_text(json.dumps(login), encoding="utf-8")


@pytest.mark.parametrize(
    ("given", "own", "expected"),
    [
        ({"OPENAI_API_KEY": "of-the-owner"}, ("OPENAI_API_KEY",), "of-the-owner"),
        ({"CODEX_API_KEY": "of-the-owner"}, ("CODEX_API_KEY",), "of-the-owner"),
        ({"OPENAI_API_KEY": "of-the-server"}, (), "of-the-machine"),
    ],
)
async def test_the_owners_key_is_what_the_server_gets(
    talk: Callable[..., Any],
    server: ResponsesServer,
    home: Path,
    given: dict[str, str],
    own: tuple[str, ...],
    expected: str,
) -> None:
    server.key = expected  # any other is answered with 401
    log_in_by_openai(home, server)
    kept = (home / ".codex" / "auth.json").read_bytes()
    chat = await talk(environment=given, credentials=own)
    ended = await chat.prompt("Hello")
    assert ended.stop_reason == "end_turn", ended
    assert {one.headers["authorization"] for one in server.asked} == {f"Bearer {expected}"}
    assert (home / ".codex" / "auth.json").read_bytes() == kept, "the machine's login stays as it was"
