"""Which of a person's MCP servers a session gets, and what is taken for a secret."""

from __future__ import annotations

from typing import Any

import pytest

from agor_jupyter.domain.credential import is_variable, references_in
from agor_jupyter.domain.ids import McpServerId, RepoId, SessionId, UserId
from agor_jupyter.domain.mcp_server import OwnServer, looks_secret, servers_for

REPO, SESSION = RepoId("repo_1"), SessionId("ses_1")
USER: dict[str, Any] = {"scope": "user"}
IN_REPO: dict[str, Any] = {"scope": "repo", "repo_id": REPO}
IN_SESSION: dict[str, Any] = {"scope": "session", "session_id": SESSION}


def server(id: str, name: str, **more: Any) -> OwnServer:
    fields = {"id": McpServerId(id), "owner": UserId("ada"), "name": name, "command": ("x",), "created_ms": 1}
    return OwnServer(**{**fields, **more})


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        ([], []),
        ([server("a", "t"), server("b", "u")], ["a", "b"]),
        ([server("a", "t", enabled=False)], []),
        ([server("s", "t", **IN_SESSION), server("r", "t", **IN_REPO), server("u", "t", **USER)], ["s"]),
        ([server("u", "t", **USER), server("r", "t", **IN_REPO)], ["r"]),
        ([server("u", "t", **USER), server("r", "t", enabled=False, **IN_REPO)], []),
        ([server("u", "t", enabled=False), server("s", "t", **IN_SESSION)], ["s"]),
        ([server("r", "t", scope="repo", repo_id=RepoId("repo_2"))], []),
        ([server("s", "t", scope="session", session_id=SessionId("ses_2"))], []),
    ],
)
def test_the_nearest_of_a_name_counts(servers: list[OwnServer], expected: list[str]) -> None:
    found = servers_for(servers, repo_id=REPO, session_id=SESSION)
    assert [one.id for one in found] == expected


def test_a_record_without_a_place_is_nobodys() -> None:
    lost = [server("r", "t", scope="repo"), server("s", "t", scope="session")]
    assert servers_for(lost, repo_id=None, session_id=None) == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", "Bearer abcdef0123456789"),
        ("X-Anything", "Bearer abcdef0123456789"),
        ("Authorization", "Basic dXNlcjpwYXNzd29yZA=="),
        ("Authorization", "abcdef0123"),
        ("X-Api-Key", "0123456789"),
        ("COOKIE", "session=abcdefgh"),
        ("DB_PASSWORD", "hunter2hunter2"),
        ("MY_TOKEN", "correct-horse"),
        ("PLAIN", "sk-ant-api03-abcdefghijklmnop"),
        ("PLAIN", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
        ("PLAIN", "github_pat_11ABCDEFG0abcdefghijkl"),
        ("PLAIN", "AKIAIOSFODNN7EXAMPLE"),
        ("PLAIN", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0"),
        ("PLAIN", "prefix=xoxb-123456789012-abcdef"),
        ("PLAIN", "aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD"),
        ("Authorization", "Bearer ${TOKEN}abcdefgh0123"),
    ],
)
def test_a_literal_secret_is_seen(name: str, value: str) -> None:
    assert looks_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", "Bearer ${TOKEN}"),
        ("Authorization", "token ${TOKEN}"),
        ("Cookie", "${SESSION}"),
        ("MY_TOKEN", "${MY_TOKEN}"),
        ("MY_TOKEN", ""),
        ("HOME_FOLDER", "/home/ada/some/quite/long/path/that/is/no/secret/at/all"),
        ("DEBUG", "true"),
        ("LOG_LEVEL", "info"),
        ("REVISION", "0123456789abcdef0123456789abcdef01234567"),
        ("the command", "@modelcontextprotocol/server-filesystem"),
        ("the URL", "https://tools.example.org/mcp?workspace=main"),
    ],
)
def test_what_is_none_is_let_pass(name: str, value: str) -> None:
    assert not looks_secret(name, value)


def test_references() -> None:
    assert references_in("${A} $B ${C_1} ${A} ${} ${9}") == ("A", "C_1")
    assert server("a", "t", environment={"X": "${B}"}, headers={"Y": "${A}${B}"}).references == ("B", "A")
    assert [is_variable(name) for name in ("A", "_a1", "", "1A", "A-B", "A B", "A\n")] == [
        True, True, False, False, False, False, False,
    ]  # fmt: skip
