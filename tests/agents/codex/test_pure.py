"""The parts of the adapter that do no I/O, as tables."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents import registry
from agor_jupyter.agents.base import Decision, McpServer, SessionSpec
from agor_jupyter.agents.codex import mcp, options, patches, permissions, questions, tools, turns
from agor_jupyter.agents.codex.opening import efforts_of, version_of
from agor_jupyter.agents.codex.permissions import Seen
from agor_jupyter.domain.content import Attachment, Mode, Usage
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.events import PermissionRequest
from agor_jupyter.domain.ids import RequestId, SessionId
from agor_jupyter.domain.policy import Allow, Ask, Deny, Policy, decide

COMMAND = {"itemId": "c", "command": "/bin/bash -lc 'git push'", "cwd": "/w", "startedAtMs": 1}


def spec(**changes: Any) -> SessionSpec:
    fields = {
        "session_id": SessionId("ses_1"),
        "worktree": "/w",
        "state_dir": "/s",
        "environment": {"PATH": "/bin"},
    }
    return SessionSpec(**{**fields, **changes})


def request(method: str, params: Mapping[str, Any], item: Any = None, **seen: Any) -> PermissionRequest:
    return permissions.request_of(RequestId("req_1"), method, params, item, Seen(**seen), "/w")


# --- commands and titles -------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "script"),
    [
        ("/bin/bash -lc 'echo hi'", "echo hi"),
        ("/bin/zsh -c 'a; b'", "a; b"),
        ("git status", "git status"),
        ("/bin/bash -lc 'broken", "/bin/bash -lc 'broken"),
        (None, ""),
    ],
)
def test_a_command_is_shown_without_its_shell(command: object, script: str) -> None:
    assert tools.script_of(command) == script


def test_deleting_and_moving_are_no_plain_edits() -> None:
    def change(**kind: Any) -> dict[str, Any]:
        return {"type": "fileChange", "changes": [{"path": "/w/a", "kind": kind, "diff": ""}]}

    assert tools.kind_of(change(type="add")) == "edit"
    assert tools.kind_of(change(type="update", move_path=None)) == "edit"
    assert tools.kind_of(change(type="update", move_path="/w/b")) == "move"
    assert tools.kind_of(change(type="delete")) == "delete"


# --- diffs ---------------------------------------------------------------------

HUNKS = "@@ -1,3 +1,3 @@\n one\n-two\n+zwei\n three\n@@ -5 +5,2 @@\n five\n+six\n"
OLD = "one\ntwo\nthree\nfour\nfive\n"
NEW = "one\nzwei\nthree\nfour\nfive\nsix\n"


@pytest.mark.parametrize(
    ("now", "applied", "sides"),
    [
        (OLD, False, (OLD, NEW)),
        (NEW, True, (OLD, NEW)),
        ("another file", True, ("one\ntwo\nthree\n⋮\nfive", "one\nzwei\nthree\n⋮\nfive\nsix")),
        (None, False, ("one\ntwo\nthree\n⋮\nfive", "one\nzwei\nthree\n⋮\nfive\nsix")),
    ],
)
def test_hunks_are_applied_or_taken_back(now: str | None, applied: bool, sides: tuple[str, str]) -> None:
    assert patches.sides_of(HUNKS, now, applied=applied) == sides


def test_a_hunk_that_only_adds_or_only_removes() -> None:
    assert patches.sides_of("@@ -1,0 +2 @@\n+two\n", "one\nthree", applied=False)[1] == "one\ntwo\nthree"
    assert patches.sides_of("@@ -2 +1,0 @@\n-two\n", "one\ntwo\nthree", applied=False)[1] == "one\nthree"
    assert patches.sides_of("@@ -2 +1,0 @@\n-two\n", "one\nthree", applied=True)[0] == "one\ntwo\nthree"


# --- permissions ---------------------------------------------------------------


def test_the_digest_names_the_act_and_not_the_moment() -> None:
    first = request(permissions.COMMAND, COMMAND).digest
    assert request(permissions.COMMAND, {**COMMAND, "startedAtMs": 2, "itemId": "d"}).digest == first
    assert request(permissions.COMMAND, {**COMMAND, "command": "other"}).digest != first
    assert request(permissions.COMMAND, {**COMMAND, "cwd": "/x"}).digest != first


def test_a_command_that_asks_is_never_a_read_to_the_policy() -> None:
    reading = {**COMMAND, "command": "cat x", "commandActions": [{"type": "read", "path": "/w/x"}]}
    asked = request(permissions.COMMAND, reading, {"type": "commandExecution", "id": "c"})
    assert (asked.kind, asked.input["command"], asked.tool_call_id) == ("execute", "cat x", "c")
    wanted: dict[Mode, type] = {"ask": Ask, "accept_edits": Ask, "plan": Deny, "full_auto": Allow}
    for mode, decision in wanted.items():
        assert isinstance(decide(asked, Policy(mode=mode, worktree="/w")), decision)


def test_edits_inside_pass_in_accept_edits_and_links_that_lead_out_do_not(tmp_path: Path) -> None:
    worktree = tmp_path / "w"
    worktree.mkdir()
    (worktree / "out").symlink_to(tmp_path / "elsewhere")
    policy = Policy(mode="accept_edits", worktree=str(worktree))
    for name, decision in (("in.txt", Allow), ("out", Ask), ("../beside", Ask)):
        change = {"path": str(worktree / name), "kind": {"type": "add"}, "diff": "x\n"}
        item = {"type": "fileChange", "id": "c", "changes": [change]}
        seen = permissions.look(tools.paths_of(item), str(worktree))
        asked = permissions.request_of(
            RequestId("r"), permissions.CHANGE, {"itemId": "c"}, item, seen, str(worktree)
        )
        assert isinstance(decide(asked, policy), decision), name


RIGHTS = {"network": {"enabled": True}}


@pytest.mark.parametrize(
    ("method", "params", "allowed", "denied"),
    [
        (permissions.COMMAND, COMMAND, {"decision": "accept"}, {"decision": "decline"}),
        (permissions.CHANGE, {"itemId": "c"}, {"decision": "accept"}, {"decision": "decline"}),
        (
            permissions.PERMISSIONS,
            {"itemId": "c", "permissions": RIGHTS},
            {"permissions": RIGHTS, "scope": "turn"},
            {"permissions": {}, "scope": "turn"},
        ),
        (
            permissions.ELICITATION,
            {"mode": "form", "_meta": {"codex_approval_kind": "mcp_tool_call"}, "serverName": "s"},
            {"action": "accept", "content": {}},
            {"action": "decline"},
        ),
    ],
)
def test_only_what_is_clearly_allowed_is_accepted(
    method: str, params: dict[str, Any], allowed: dict[str, Any], denied: dict[str, Any]
) -> None:
    asked = request(method, params)
    for option, wanted in (
        ("allow_once", allowed),
        ("allow_always", allowed),
        ("reject_once", denied),
        ("unheard-of", denied),
        (None, denied),
    ):
        decision = Decision(outcome="selected", option_id=option)
        assert permissions.response_of(method, params, asked, decision) == wanted
    cancelled = Decision(outcome="cancelled", option_id="allow_once")
    assert permissions.response_of(method, params, asked, cancelled) == denied
    assert "accept" not in str(permissions.withdrawn_response(method))


def test_questions_are_answered_by_their_ids() -> None:
    params = {
        "questions": [
            {"id": "a", "question": "Which?", "header": "H", "options": [{"label": "red"}], "isOther": True},
            {"id": "b", "question": "Why?", "header": "H"},
        ]
    }
    asked = request(permissions.USER_INPUT, params)
    assert [(item.question, item.choices) for item in asked.questions] == [("Which?", ("red",)), ("Why?", ())]
    assert [(item.descriptions, item.own) for item in asked.questions] == [((), True), ((), False)]
    assert asked.options == ()
    for words in ("red", "green, as grass"):
        given = Decision(outcome="selected", answers={"Which?": words})
        answer = permissions.response_of(permissions.USER_INPUT, params, asked, given)
        assert answer == {"answers": {"a": {"answers": [words]}}}
    nothing = permissions.response_of(permissions.USER_INPUT, params, asked, Decision(outcome="cancelled"))
    assert nothing == {"answers": {}}


def test_a_question_says_what_its_choices_mean() -> None:
    options = [{"label": "red", "description": "As a rose"}, {"label": "blue", "description": None}]
    item = {"id": "a", "question": "Which?", "options": options, "isOther": False}
    (asked,) = request(permissions.USER_INPUT, {"questions": [item]}).questions
    assert (asked.choices, asked.descriptions, asked.own) == (("red", "blue"), ("As a rose", ""), False)


def test_a_form_of_an_mcp_server_is_asked_and_typed() -> None:
    properties = {
        "count": {"type": "integer", "description": "How many?"},
        "sure": {"type": "boolean", "title": "Sure?"},
        "colour": {"type": "string", "enum": ["red", "blue"]},
    }
    params = {
        "mode": "form",
        "serverName": "s",
        "message": "?",
        "requestedSchema": {"properties": properties},
    }
    asked = request(permissions.ELICITATION, params)
    assert [item.choices for item in asked.questions] == [(), ("yes", "no", "-"), ("red", "blue", "-")]
    assert [option.kind for option in asked.options] == ["reject_once"]
    answers = {"How many?": "3", "Sure?": "true", "colour": "red"}
    decision = Decision(outcome="selected", answers=answers)
    answer = permissions.response_of(permissions.ELICITATION, params, asked, decision)
    assert answer == {"action": "accept", "content": {"count": 3, "sure": True, "colour": "red"}}
    none = permissions.response_of(permissions.ELICITATION, params, asked, Decision(outcome="cancelled"))
    assert none == {"action": "cancel"}
    declined = Decision(outcome="selected", option_id="decline")
    assert permissions.response_of(permissions.ELICITATION, params, asked, declined) == {"action": "decline"}
    assert not questions.can_be_asked({"mode": "url"})
    assert questions.asks_a_secret({"questions": [{"isSecret": True}]})


# --- MCP servers ---------------------------------------------------------------


def test_secrets_of_a_program_are_named_and_not_written() -> None:
    server = McpServer(
        name="s", command=("run", "it"), environment={"TOKEN": "a 'b' ${SECRET}!", "PLAIN": "$HOME"}
    )
    found = mcp.settings_of([server], ["own"])
    assert found["own"] == {"enabled": False}
    made = found["s"]
    assert "SECRET" in made["env_vars"]
    assert made["startup_timeout_sec"] == mcp.START_SECONDS
    line = [made["command"], *made["args"][:3], "/usr/bin/env"]
    environment = {"SECRET": "hidden $(id)", "PATH": "/usr/bin:/bin"}
    said = subprocess.run(line, env=environment, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    assert "TOKEN=a 'b' hidden $(id)!" in said
    assert "PLAIN=$HOME" in said
    assert "hidden" not in str(found)


def test_secrets_of_an_http_server_are_variables() -> None:
    headers = {"Authorization": "Bearer ${SECRET}", "X-Plain": "one"}
    server = McpServer(name="s", transport="http", url="https://example.org/mcp", headers=headers)
    made = mcp.settings_of([server], [])["s"]
    assert made["url"] == "https://example.org/mcp"
    assert made["env_http_headers"] == {
        "Authorization": "AGOR_MCP_HEADER_0_0",
        "X-Plain": "AGOR_MCP_HEADER_0_1",
    }
    variables = mcp.variables_of([server], {"SECRET": "hidden"})
    assert variables == {"AGOR_MCP_HEADER_0_0": "Bearer hidden", "AGOR_MCP_HEADER_0_1": "one"}
    assert "hidden" not in str(made)


# --- options -------------------------------------------------------------------


def test_no_mode_gives_up_the_sandbox_or_the_person() -> None:
    for mode in registry.get("codex").capabilities.modes:
        params = options.turn_params(spec(), mode=mode, model="m", effort="", shown_plan=False)
        assert params["approvalPolicy"] == "on-request"
        assert params["approvalsReviewer"] == "user"
        kind = params["sandboxPolicy"]["type"]
        assert kind == ("workspaceWrite" if mode == "full_auto" else "readOnly")
        assert params["sandboxPolicy"]["networkAccess"] is False
    assert "danger" not in str(options.SANDBOXES)


def test_the_network_opens_in_full_auto_alone_and_when_asked() -> None:
    asked = spec(options={"network_access": True})
    assert options.sandbox_policy(asked, "full_auto")["networkAccess"] is True
    assert options.sandbox_policy(asked, "ask")["networkAccess"] is False


def test_leaving_plan_mode_is_said_once() -> None:
    def mode(now: Mode, shown: bool) -> Any:
        params = options.turn_params(spec(), mode=now, model="m", effort="", shown_plan=shown)
        return params.get("collaborationMode", {}).get("mode")

    assert [mode("ask", False), mode("plan", False), mode("ask", True)] == [None, "plan", "default"]


def test_the_command_line_holds_nothing_of_the_person() -> None:
    line = " ".join(options.argv_of("/bin/codex", hold_key=True))
    assert line.startswith("/bin/codex -c features.plugins=false")
    assert 'cli_auth_credentials_store="ephemeral"' in line
    assert line.endswith("app-server")


def test_the_key_is_taken_only_where_there_is_no_login(tmp_path: Path) -> None:
    keys = {"OPENAI_API_KEY": "one"}
    assert options.key_of(keys, tmp_path) == "one"
    assert options.key_of({**keys, "CODEX_API_KEY": "two"}, tmp_path) == "two"
    (tmp_path / "auth.json").write_text("{}")
    assert options.key_of(keys, tmp_path) == ""
    assert options.key_of({"CODEX_API_KEY": "two"}, tmp_path) == "two"


def test_the_words_of_the_person_and_the_house_both_reach_the_model() -> None:
    params = options.thread_params(
        spec(system_append="Ours."),
        mode="ask",
        model="",
        effort="high",
        shell_marker="AGOR_SHELL=1",
        repository_skills=["/w/.agents/skills/x/SKILL.md"],
        config={"developer_instructions": "Theirs.", "mcp_servers": {"own": {}}},
    )
    assert params["developerInstructions"] == "Theirs.\n\nOurs."
    settings = params["config"]
    assert settings["projects"] == {"/w": {"trust_level": "untrusted"}}
    assert settings["project_doc_max_bytes"] == 0
    assert settings["mcp_servers"] == {"own": {"enabled": False}}
    assert settings["mcp_optional_startup_grace_ms"] == mcp.START_SECONDS * 1000
    assert settings["model_reasoning_effort"] == "high"
    assert settings["skills"]["config"] == [{"path": "/w/.agents/skills/x/SKILL.md", "enabled": False}]


def test_wrong_settings_are_refused() -> None:
    assert options.settings_of(spec(options={"unknown": 1})).web_search == "disabled"
    with pytest.raises(Unprocessable, match="network_access"):
        options.settings_of(spec(options={"network_access": "perhaps"}))


def test_attachments_become_input() -> None:
    pixel = Attachment(name="p.png", media_type="image/png", data="AAAA")
    notes = Attachment(name="n.txt", media_type="text/plain", data="noted")
    found = options.input_of("Look", (pixel, notes))
    assert [item["type"] for item in found] == ["image", "text", "text"]
    assert found[0]["url"] == "data:image/png;base64,AAAA"
    assert found[1]["text"] == "File n.txt:\n\nnoted"


# --- turns ---------------------------------------------------------------------


def test_cached_tokens_stand_apart() -> None:
    raw = {"inputTokens": 100, "cachedInputTokens": 60, "cacheWriteInputTokens": 10, "outputTokens": 5}
    usage = turns.usage_of(raw)
    assert usage == Usage(input_tokens=30, cached_read_tokens=60, cached_write_tokens=10, output_tokens=5)
    assert usage.total_tokens == 105
    assert turns.less(usage, usage) == Usage()


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        ({"message": "unexpected status 401 Unauthorized: No., url: http://x"}, "Log in."),
        ({"message": "x", "codexErrorInfo": "unauthorized"}, "Log in."),
        (
            {"message": "x", "codexErrorInfo": {"httpConnectionFailed": {"httpStatusCode": 404}}},
            "Choose another",
        ),
        ({"message": "x", "codexErrorInfo": "contextWindowExceeded"}, "/compact"),
        ({"message": "x", "codexErrorInfo": "usageLimitExceeded"}, "renewed"),
        ({"message": "stream disconnected before completion: x"}, "network"),
        ({}, "Resume"),
    ],
)
def test_an_error_says_what_to_do(error: dict[str, Any], hint: str) -> None:
    words, found = turns.explain(error, "Log in.")
    assert words.endswith(".")
    assert "url:" not in words
    assert hint in found


def test_versions_and_efforts_are_read() -> None:
    assert version_of("agor_jupyter/0.163.0 (Debian 12; x86_64) unknown") == "0.163.0"
    models = [{"model": "m", "supportedReasoningEfforts": [{"reasoningEffort": "low"}]}]
    assert (efforts_of(models, "m"), efforts_of(models, "n")) == (("low",), ())
