"""The bench's tools as models and people see them."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.base import Decision, McpServer, SessionSpec
from agor_jupyter.agents.clip import clip
from agor_jupyter.agents.openai.kind import SETUP
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.agents.workbench import asking, briefing, mcp_servers
from agor_jupyter.agents.workbench.connection import visible_environment
from agor_jupyter.agents.workbench.failing import ToolFailed, sentence
from agor_jupyter.agents.workbench.own_tools import OwnTools
from agor_jupyter.agents.workbench.tool import Job, Result, Tool, digest_of
from agor_jupyter.domain.content import DiffContent, TerminalContent
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.events import PermissionRequest, PermissionResolved
from agor_jupyter.domain.ids import SessionId, ToolCallId


@pytest.fixture
def tools(tmp_path: Path) -> dict[str, Tool]:
    (tmp_path / "worktree").mkdir()
    own = OwnTools(str(tmp_path / "worktree"), {"PATH": os.environ["PATH"]}, most_seconds=5)
    return {tool.spec.name: tool for tool in own.all()}


def test_schemas_are_plain(tools: dict[str, Tool]) -> None:
    for tool in tools.values():
        text = json.dumps(tool.spec.parameters)
        assert "$ref" not in text
        assert '"title"' not in text
        assert tool.spec.parameters["type"] == "object"
        assert len(tool.spec.description) > 20


@pytest.mark.parametrize(
    ("name", "arguments", "asks", "kind", "title"),
    [
        ("read_file", {"path": "a"}, False, "read", "Read a"),
        ("read_file", {"path": "../a"}, True, "read", None),
        ("list_files", {}, False, "search", "List ."),
        ("search", {"pattern": "x", "path": "/etc"}, True, "search", "Search x in /etc"),
        ("write_file", {"path": "a", "content": "b"}, True, "edit", "Make a"),
        ("write_file", {"path": "../a", "content": "b"}, True, "edit", None),
        ("run_shell", {"command": "ls\nrm x"}, True, "execute", "ls"),
        ("update_plan", {"steps": []}, False, "think", "Plan"),
        ("ask_person", {"question": "?"}, True, "other", "Ask a question"),
    ],
)
async def test_what_is_asked_about(
    tools: dict[str, Tool], name: str, arguments: dict[str, Any], asks: bool, kind: str, title: str | None
) -> None:
    job = await tools[name].look(arguments)
    assert job.asks is asks
    assert job.kind == kind
    if title is not None:
        assert job.title == title
    if job.kind in ("read", "search", "edit"):
        assert all(os.path.isabs(place.path) and ".." not in place.path for place in job.locations)


async def test_a_question_takes_own_words_and_says_what_its_choices_mean(tools: dict[str, Tool]) -> None:
    asked = {"question": "Which?", "choices": ["red", "blue"], "descriptions": ["as a rose", ""]}
    (question,) = (await tools["ask_person"].look(asked)).questions
    assert (question.choices, question.descriptions, question.own) == (
        ("red", "blue"),
        ("as a rose", ""),
        True,
    )
    with pytest.raises(ToolFailed, match="as many as choices"):
        await tools["ask_person"].look({**asked, "descriptions": ["as a rose"]})


async def test_an_edit_shows_its_diff_before_and_after(tools: dict[str, Tool], tmp_path: Path) -> None:
    file = tmp_path / "worktree" / "a.py"
    file.write_text("one\ntwo\n")
    job = await tools["edit_file"].look({"path": "a.py", "old_text": "two", "new_text": "2"})
    assert job.preview == (DiffContent(path=str(file), old_text="two", new_text="2"),)
    assert file.read_text() == "one\ntwo\n"
    result = await job.run(lambda _: None)
    assert result.content == job.preview
    assert file.read_text() == "one\n2\n"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("read_file", {}),
        ("read_file", {"path": 5}),
        ("run_shell", {"command": "  "}),
        ("run_shell", {"command": "a\0b"}),
        ("update_plan", {"steps": [{"status": "pending"}]}),
    ],
)
async def test_wrong_arguments_are_told_to_the_model(
    tools: dict[str, Tool], name: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ToolFailed):
        await tools[name].look(arguments)


async def test_a_command_is_ended_at_the_most_that_is_allowed(tools: dict[str, Tool]) -> None:
    job = await tools["run_shell"].look({"command": "echo begun; sleep 76", "timeout_seconds": 1})
    result = await job.run(lambda _: None)
    assert result.failed
    assert "ended after 1 s" in result.text


async def test_long_output_reaches_the_model_with_one_cut(tools: dict[str, Tool]) -> None:
    job = await tools["run_shell"].look({"command": "yes | head -c 200000; exit 3"})
    result = await job.run(lambda _: None)
    assert result.text.count("bytes left out") == 1
    assert clip(result.text) == (result.text, 0)
    assert result.text.endswith("(exit code 3)")
    (shown,) = result.content or ()
    assert isinstance(shown, TerminalContent)
    assert shown.truncated > 100_000


# --- requests and decisions -----------------------------------------------------


async def test_a_cancelled_request_is_withdrawn_once() -> None:
    outbox = Outbox()
    desk = asking.Asking(outbox)

    async def run(_: object) -> Result:
        raise AssertionError("never")

    job = Job(title="ls", run=run, kind="execute", asks=True)
    waiting = asyncio.create_task(desk.ask(ToolCallId("call_1"), "run_shell", {"command": "ls"}, job))
    updates = outbox.read()
    request = await anext(updates)
    assert isinstance(request, PermissionRequest)
    assert request.digest == digest_of("run_shell", {"command": "ls"}) != digest_of("run_shell", {})
    waiting.cancel()
    await asyncio.wait({waiting})
    withdrawn = await anext(updates)
    assert isinstance(withdrawn, PermissionResolved)
    assert withdrawn.by == "agent"
    desk.answer(request.request_id, Decision(outcome="selected", option_id="allow_once"))


@pytest.mark.parametrize(
    ("decision", "refusal"),
    [
        (Decision(outcome="selected", option_id="allow_once"), ""),
        (Decision(outcome="selected", option_id="allow_always"), ""),
        (Decision(outcome="selected", option_id="reject_once", message="No."), "No."),
        (Decision(outcome="selected", option_id="reject_once"), asking.REJECTED),
        (Decision(outcome="selected", option_id="something"), asking.REJECTED),
        (Decision(outcome="selected"), asking.REJECTED),
        (Decision(outcome="cancelled", option_id="allow_once"), asking.REJECTED),
    ],
)
def test_what_is_not_clearly_allowed_is_refused(decision: Decision, refusal: str) -> None:
    assert asking.refusal_of(decision) == refusal


def test_answers_reach_the_model_with_their_questions() -> None:
    assert asking.answers_of(Decision(outcome="selected", answers={"Which?": "blue"})) == "Which?: blue"
    assert asking.answers_of(Decision(outcome="cancelled", answers={"Which?": "blue"})) == ""


# --- what is seen, what is told -------------------------------------------------


def test_commands_see_no_key_and_no_servers_secret() -> None:
    server = McpServer(
        name="s", environment={"A": "x${DB_PASSWORD}"}, headers={"Authorization": "Bearer ${TOKEN_OF_S}"}
    )
    environment = {
        "PATH": "/bin",
        "OPENAI_API_KEY": "secret",
        "OPENAI_BASE_URL": "secret",
        "DB_PASSWORD": "secret",
        "TOKEN_OF_S": "secret",
        "JUPYTER_TOKEN": "secret",
        "AGOR_OTHER": "secret",
        "AGOR_SESSION": "ses_1",
        "PIP_INDEX_URL": "https://example.org",
    }
    spec = SessionSpec(
        session_id=SessionId("ses_1"),
        worktree="/w",
        state_dir="/s",
        environment=environment,
        mcp_servers=(server,),
    )
    assert visible_environment(spec, SETUP) == {
        "PATH": "/bin",
        "AGOR_SESSION": "ses_1",
        "PIP_INDEX_URL": "https://example.org",
    }


def test_references_resolve_or_say_what_is_missing() -> None:
    assert mcp_servers.resolve({"A": "x${B}y"}, {"B": "1"}) == {"A": "x1y"}
    with pytest.raises(Unprocessable, match="The variable C is not set"):
        mcp_servers.resolve({"A": "${C}"}, {"B": "1"})
    assert mcp_servers.tool_name("my server", "a.b") == "mcp__my_server__a_b"
    assert len(mcp_servers.tool_name("s" * 80, "t")) == 64


def test_instructions_are_read_from_inside_only(tmp_path: Path) -> None:
    outside = tmp_path / "outside.md"
    outside.write_text("from outside")
    worktree = tmp_path / "worktree"
    worktree.mkdir()
    (worktree / "GEMINI.md").symlink_to(outside)
    names = ("GEMINI.md", "AGENTS.md")
    assert briefing.read_instructions(str(worktree), names) == ("", ())
    (worktree / "AGENTS.md").write_text("be kind")
    text, read = briefing.read_instructions(str(worktree), names)
    assert "be kind" in text
    assert read == (str(worktree / "AGENTS.md"),)


def test_plan_mode_is_told() -> None:
    assert "plan mode" in briefing.system_text("/w", "plan", "", "")
    whole = briefing.system_text("/w", "ask", "INSTRUCTIONS", "APPENDED")
    assert "plan mode" not in whole
    assert whole.endswith("INSTRUCTIONS\n\nAPPENDED")


def test_an_error_is_one_sentence() -> None:
    assert sentence("It failed. And more.\nAnd more") == "It failed."
    assert sentence("no stop") == "no stop."
    assert len(sentence("x" * 999)) == 300
