"""A key that the session's owner has set counts before the machine's login, and no command sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agor_jupyter.agents.base import SessionSpec
from agor_jupyter.agents.codex import options
from agor_jupyter.domain.ids import SessionId


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
