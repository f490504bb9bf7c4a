"""The pure parts of the ACP room, as tables: offers, requests, answers, parameters, probes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents import registry
from agor_jupyter.agents.acp import gemini_home, offers, permissions, turns, wire
from agor_jupyter.agents.acp.offers import Abilities, Choice
from agor_jupyter.agents.acp.presets import GEMINI
from agor_jupyter.agents.base import Decision, McpServer, SessionSpec, ToolSpec
from agor_jupyter.domain.content import Attachment, Usage
from agor_jupyter.domain.ids import RequestId, SessionId
from agor_jupyter.domain.policy import subject_of

OPTIONS = [
    {"optionId": "a2", "name": "Always all", "kind": "allow_always"},
    {"optionId": "a", "name": "Always", "kind": "allow_always"},
    {"optionId": "o", "name": "Once", "kind": "allow_once"},
    {"optionId": "r", "name": "No", "kind": "reject_once"},
    {"optionId": "n", "name": "Never", "kind": "reject_always"},
    {"optionId": "x", "name": "Odd", "kind": "odd"},
]


def request(call: dict[str, Any], options: Any = OPTIONS) -> Any:
    locations = permissions.look(call, "/w")
    return permissions.request_of(RequestId("req_1"), call, options, locations, "/w")


@pytest.mark.parametrize(
    ("mode", "values", "wanted", "chosen"),
    [
        ("ask", ("yolo", "default", "plan"), {}, "default"),
        ("full_auto", ("yolo", "default"), {}, "default"),
        ("accept_edits", ("auto", "read-only", "full-access"), {}, "read-only"),
        ("plan", ("default", "plan"), {}, "plan"),
        ("plan", ("ask", "code"), {}, "ask"),
        ("ask", ("https://x/modes#agent", "https://x/modes#plan"), {}, ""),
        ("plan", ("https://x/modes#agent", "https://x/modes#plan"), {}, "https://x/modes#plan"),
        ("ask", ("careful", "wild"), {"ask": "careful"}, "careful"),
        ("ask", ("wild",), {"ask": "careful"}, ""),
        ("ask", (), {}, ""),
    ],
)
def test_an_agent_gets_a_mode_in_which_it_asks(
    mode: Any, values: tuple[str, ...], wanted: Any, chosen: str
) -> None:
    assert offers.mode_for(mode, Choice(values), wanted) == chosen


def test_modes_that_ask_nobody_are_known_by_their_names() -> None:
    unasking = ("yolo", "bypassPermissions", "dontAsk", "auto", "autoEdit", "acceptEdits", "full-access")
    assert all(offers.asks_nobody(mode) for mode in unasking)
    assert not any(offers.asks_nobody(mode) for mode in (*offers.ASKING, *offers.PLANNING, "agent", ""))


def test_offers_are_read_from_either_place() -> None:
    by_method = offers.offer_of(
        {"models": {"availableModels": [{"modelId": "m"}, {}], "currentModelId": "m"}}
    )
    assert by_method.models == Choice(("m",), "m", "")
    grouped = [{"group": "g", "options": [{"value": "a"}]}, {"value": "b"}]
    option = {"id": "i", "category": "model", "type": "select", "currentValue": "b", "options": grouped}
    by_option = offers.with_config(
        by_method, [option, "odd", {"type": "boolean", "category": "model_config"}]
    )
    assert by_option.models == Choice(("a", "b"), "b", "i")
    for odd in (None, [], "x", {"modes": 3, "configOptions": "no"}):
        assert offers.offer_of(odd) == offers.Offer()
        assert offers.abilities_of(odd) == Abilities()


def test_always_is_said_to_our_policy_and_once_to_the_agent() -> None:
    asked = request({"toolCallId": "t", "title": "`ls`", "kind": "execute", "rawInput": {"command": "ls"}})
    assert [option.option_id for option in asked.options] == ["o", "agor:always", "r", "n"]
    assert (asked.title, asked.input) == ("ls", {"command": "ls"})
    for option, answer, allowed in (
        ("o", "o", True),
        ("agor:always", "o", True),
        ("r", "r", False),
        ("n", "n", False),
        ("a", "r", False),
        (None, "r", False),
    ):
        decision = Decision(outcome="selected", option_id=option)
        assert permissions.answer_of(asked, decision) == (permissions.selected(answer), allowed)
    assert permissions.answer_of(asked, Decision(outcome="cancelled")) == (permissions.CANCELLED, False)


def test_a_mode_is_left_once_and_an_odd_agent_keeps_its_options() -> None:
    asked = request({"toolCallId": "t", "title": "Leave plan mode", "kind": "switch_mode"})
    assert [option.kind for option in asked.options] == ["allow_once", "reject_once", "reject_always"]
    odd = request({"toolCallId": "t", "title": "x"}, OPTIONS[:2])
    assert [option.option_id for option in odd.options] == ["a2", "a"]
    nothing = request({"toolCallId": "t", "title": "x"}, None)
    decision = Decision(outcome="selected", option_id="allow_once")
    assert permissions.answer_of(nothing, decision) == (permissions.CANCELLED, False)


def test_a_read_that_names_no_place_is_no_read_for_the_policy() -> None:
    assert request({"toolCallId": "t", "title": "Look", "kind": "read"}).kind == "other"
    named = request({"toolCallId": "t", "title": "Look", "kind": "read", "rawInput": {"path": "a.txt"}})
    assert (named.kind, named.locations[0].path) == ("read", "/w/a.txt")


def test_a_command_is_shown_whole() -> None:
    told = {"toolCallId": "t", "title": "`ls\nrm -rf .`", "kind": "execute"}
    asked = request(told)
    assert asked.title == "ls"
    assert asked.input == {"command": "ls\nrm -rf ."}
    assert subject_of(asked) == "ls\nrm -rf ."


def test_the_digest_is_of_all_that_is_asked() -> None:
    call = {"toolCallId": "t", "title": "ls", "kind": "execute"}
    same = request({**call, "toolCallId": "u", "status": "pending"}).digest
    assert request(call).digest == same
    for change in (
        {"title": "rm"},
        {"kind": "edit"},
        {"rawInput": {"a": 1}},
        {"locations": [{"path": "/x"}]},
    ):
        assert request({**call, **change}).digest != same


@pytest.mark.parametrize(
    ("title", "more", "found"),
    [
        ("mcp__agor__whoami", {}, "whoami"),
        ("whoami (agor MCP Server)", {"kind": "other"}, "whoami"),
        ("agor.whoami", {"kind": "think"}, "whoami"),
        ("Tool: agor/whoami", {}, "whoami"),
        ("mcp__agor__other", {}, ""),
        ("mcp__mine__whoami", {}, ""),
        ("whoami", {}, ""),
        ("mcp__agor__whoami", {"kind": "execute"}, ""),
        ("mcp__agor__whoami", {"kind": "edit"}, ""),
        ("mcp__agor__whoami", {"locations": [{"path": "/etc/passwd"}]}, ""),
        ("mcp__agor__whoami", {"content": [{"type": "diff", "path": "a", "newText": ""}]}, ""),
    ],
)
def test_a_house_tool_is_known_by_its_exact_name(title: str, more: dict[str, Any], found: str) -> None:
    assert permissions.house_tool({"title": title, **more}, {"whoami"}) == found


def test_a_prompt_is_words_first_then_what_is_attached() -> None:
    noted = Attachment(name="n.txt", media_type="text/plain", data="words")
    image = Attachment(name="p.png", media_type="image/png", data="AA==")
    rich = wire.prompt_blocks("acp", Abilities(images=True, embedded=True), "/do", (noted, image), "")
    assert [block["type"] for block in rich] == ["text", "resource", "image"]
    assert rich[1]["resource"]["text"] == "words"
    plain = wire.prompt_blocks("acp", Abilities(), "Do", (noted,), "Be brief.")
    assert [block["text"] for block in plain] == ["Be brief.", "Do", "File n.txt:\n\nwords"]


def test_tool_servers_are_passed_with_their_secrets_resolved() -> None:
    spec = SessionSpec(
        session_id=SessionId("ses_1"),
        worktree="/w",
        state_dir="/s",
        environment={"KEY": "secret"},
        mcp_servers=(
            McpServer(name="near", command=("tool", "-x"), environment={"A": "is ${KEY}"}),
            McpServer(name="far", transport="http", url="http://h/", headers={"Authorization": "${KEY}"}),
        ),
        tools=(ToolSpec(name="whoami", description="", parameters={}),),
        bridge=("python", "bridge.py", "sock"),
    )
    near, far, agor = wire.tool_servers(
        "acp", Abilities(http=True), spec, {"MARK": "1"}, lambda name: f"/bin/{name}"
    )
    mark = {"name": "MARK", "value": "1"}
    assert near == {
        "name": "near",
        "command": "/bin/tool",
        "args": ["-x"],
        "env": [{"name": "A", "value": "is secret"}, mark],
    }
    assert (far["type"], far["headers"]) == ("http", [{"name": "Authorization", "value": "secret"}])
    assert agor == {"name": "agor", "command": "python", "args": ["bridge.py", "sock"], "env": [mark]}


def test_usage_stands_where_the_preset_says() -> None:
    answer = {"usage": {"inputTokens": 5, "outputTokens": 2, "thoughtTokens": 1, "cachedReadTokens": None}}
    assert turns.usage_of(answer, ("usage",)) == Usage(input_tokens=5, output_tokens=2, thought_tokens=1)
    quota = {"_meta": {"quota": {"token_count": {"input_tokens": 7, "output_tokens": 3}}}}
    assert turns.usage_of(quota, GEMINI.quirks.usage_path) == Usage(input_tokens=7, output_tokens=3)
    assert turns.usage_of({"usage": 3}, ("usage",)) == Usage()
    assert turns.stop_reason_of({"stopReason": "refusal"}) == "refusal"
    assert turns.stop_reason_of({"stopReason": "brand_new"}) == "end_turn"


async def test_the_probe_only_looks(tmp_path: Path) -> None:
    gemini = registry.get("gemini")
    bare = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    missing = await gemini.probe(bare)
    assert not missing.installed
    assert "npm install -g @google/gemini-cli" in missing.hint
    program = tmp_path / "package" / "bundle" / "gemini.js"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\ntouch ran\n")
    program.chmod(0o700)
    (tmp_path / "package" / "package.json").write_text(json.dumps({"version": "9.9", "bin": {"gemini": "x"}}))
    (tmp_path / "gemini").symlink_to(program)
    found = await gemini.probe(bare)
    assert (found.installed, found.version, found.authenticated) == (True, "9.9", False)
    assert "GEMINI_API_KEY" in found.hint
    assert (await gemini.probe({**bare, "GEMINI_API_KEY": "k"})).hint == ""
    for name in ("GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_API_KEY"):
        assert (await gemini.probe({**bare, name: "true"})).authenticated is None
    assert not (tmp_path / "ran").exists()


async def test_the_generic_kind_is_what_the_servers_options_make_it() -> None:
    bare = registry.get("acp")
    assert "agent_options" in (await bare.probe({})).hint
    options = {"acp": {"command": [sys.executable, "-m", "agent"], "title": "Heron"}}
    kind = {kind.kind: kind for kind in registry.list_kinds(options)}["acp"]
    assert (kind.title, bare.title) == ("Heron", "ACP agent")
    assert (await kind.probe({"PATH": "/nowhere"})).installed
    absent = {"acp": {"command": ["no-such-agent"]}}
    kind = {kind.kind: kind for kind in registry.list_kinds(absent)}["acp"]
    assert "'no-such-agent'" in (await kind.probe({"PATH": "/nowhere"})).hint
    wrong = {kind.kind: kind for kind in registry.list_kinds({"acp": {"command": 3}})}["acp"]
    assert "'command'" in (await wrong.probe({})).hint


def gemini_spec(folder: Path, **changes: Any) -> SessionSpec:
    fields = {
        "session_id": SessionId("ses_1"),
        "worktree": str(folder),
        "state_dir": str(folder / "state"),
        "environment": {"HOME": str(folder / "person"), "GEMINI_API_KEY": "k"},
    }
    return SessionSpec(**{**fields, **changes})


def test_gemini_gets_a_home_of_ours_with_the_persons_login(tmp_path: Path) -> None:
    theirs = tmp_path / "person" / ".gemini"
    theirs.mkdir(parents=True)
    (theirs / "oauth_creds.json").write_text("login")
    (theirs / "settings.json").write_text('{"mcpServers": {}, "security": {"auth": {"selectedType": "x"}}}')
    found = gemini_home.prepare(gemini_spec(tmp_path))
    home = Path(found["GEMINI_CLI_HOME"]) / ".gemini"
    assert found["GEMINI_CLI_TRUST_WORKSPACE"] == "false"
    assert (home / "oauth_creds.json").read_text() == "login"
    settings = json.loads((home / "settings.json").read_text())
    assert settings["privacy"] == {"usageStatisticsEnabled": False}
    assert settings["security"]["auth"] == {"selectedType": "x"}
    assert settings["general"]["maxAttempts"] == 3, "more would be minutes of silence at a rate limit"
    assert "mcpServers" not in settings
    (theirs / "oauth_creds.json").unlink()
    (theirs / "settings.json").write_text("broken")
    again = gemini_home.prepare(gemini_spec(tmp_path, trusted=True))
    assert again["GEMINI_CLI_TRUST_WORKSPACE"] == "true"
    assert not (home / "oauth_creds.json").exists()
    settings = json.loads((home / "settings.json").read_text())
    assert settings["security"]["auth"] == {"selectedType": "gemini-api-key"}


@pytest.mark.parametrize(
    ("own", "method"),
    [
        (("GEMINI_API_KEY",), "gemini-api-key"),
        (("GOOGLE_API_KEY",), "vertex-ai"),
        (("GOOGLE_API_KEY", "GEMINI_API_KEY"), "gemini-api-key"),
    ],
)
def test_a_key_of_the_owners_counts_before_the_machines_login(
    tmp_path: Path, own: tuple[str, ...], method: str
) -> None:
    theirs = tmp_path / "person" / ".gemini"
    theirs.mkdir(parents=True)
    (theirs / "settings.json").write_text('{"security": {"auth": {"selectedType": "oauth-personal"}}}')
    for name in (*gemini_home.LOGIN_FILES, ".env"):
        (theirs / name).write_text("the machine's")
    machines = {"HOME": str(tmp_path / "person"), "GOOGLE_GENAI_USE_GCA": "true"}
    home = Path(gemini_home.prepare(gemini_spec(tmp_path, environment=machines))["GEMINI_CLI_HOME"])
    assert (home / ".gemini" / "oauth_creds.json").is_symlink(), "without a key: the machine's login"
    environment = {**machines, **dict.fromkeys(own, "k")}
    # A key that an MCP server of the owner's needs is none of Gemini CLI's.
    found = gemini_home.prepare(gemini_spec(tmp_path, environment=environment, credentials=(*own, "OTHER")))
    settings = json.loads((home / ".gemini" / "settings.json").read_text())
    assert settings["security"]["auth"] == {"selectedType": method}
    assert [path for path in home.rglob("*") if path.is_symlink()] == []
    assert found["GOOGLE_GENAI_USE_GCA"] == ""
    again = gemini_home.prepare(gemini_spec(tmp_path, environment=machines, credentials=("OTHER",)))
    assert "GOOGLE_GENAI_USE_GCA" not in again
    assert (home / ".gemini" / "oauth_creds.json").read_text() == "the machine's"


def test_a_record_is_kept_apart_once(tmp_path: Path) -> None:
    chats = tmp_path / "state" / "gemini-home" / ".gemini" / "tmp" / "w" / "chats"
    chats.mkdir(parents=True)
    (chats / "session-2026-11-25T10-00-0123abcd.jsonl").write_text("all of it")
    spec = gemini_spec(tmp_path, native_ref="0123abcd-0000-4000-8000-000000000000")
    gemini_home.prepare(spec)
    (chats / "session-2026-11-25T10-01-0123abcd.jsonl").write_text("an empty one")
    gemini_home.prepare(spec)
    assert sorted(path.name for path in chats.iterdir()) == [
        "session-2026-11-25T10-00-kept-0123abcd.jsonl",
        "session-2026-11-25T10-01-0123abcd.jsonl",
    ]
