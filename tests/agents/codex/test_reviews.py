"""`/review`, with the real Codex: a thread of its own that shows itself as a turn of ours."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from agor_jupyter.agents.base import McpServer, SessionSpec, ToolAnswer, ToolSpec
from agor_jupyter.agents.codex.connection import Connection, _Turn
from agor_jupyter.agents.codex.reviews import Reviews, quiet
from agor_jupyter.agents.codex.wire import Wire
from agor_jupyter.domain.content import Attachment, TerminalContent, Usage
from agor_jupyter.domain.errors import Conflict, Unprocessable
from agor_jupyter.domain.events import Notice, PermissionRequest, ToolCall, TurnEnded
from agor_jupyter.domain.ids import TaskId
from agor_jupyter.domain.session import ForkPoint
from agor_jupyter.testing import mcp_probe
from agor_jupyter.testing.harnesses.codex import add_file, escalated
from agor_jupyter.testing.model_script import Echo, Fault, Script, Turn, say, script, use
from agor_jupyter.testing.responses_server import ResponsesServer
from tests.agents.codex.conftest import Talk
from tests.agents.codex.test_trust import canaries, make_repository

Start = Callable[..., Any]
LOOK = use("exec_command", cmd="cat here; touch made; echo end")


def verdict() -> Turn:
    """Answer as Codex asks its reviewer to: in JSON, which it puts into words."""
    place = {"absolute_file_path": "/w/here", "line_range": {"start": 1, "end": 2}}
    finding = {"title": "[P1] Spelling", "body": "It is wrong.", "confidence_score": 0.9, "priority": 1}
    whole = {
        "findings": [{**finding, "code_location": place}],
        "overall_correctness": "patch is incorrect",
        "overall_explanation": "Not yet.",
        "overall_confidence_score": 0.8,
    }
    return say(json.dumps(whole), input_tokens=50, cached_read_tokens=40, output_tokens=20)


def review() -> Script:
    return script(LOOK, verdict())


@pytest.fixture
def here(worktree: Path) -> Path:
    """A repository with a commit, a branch and a change."""
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(worktree)]
    (worktree / "here").write_text("one\n")
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True)
    (worktree / "here").write_text("two\n")
    return worktree


async def test_a_review_is_a_turn_like_any_other(talk: Start, server: ResponsesServer, here: Path) -> None:
    server.book["review"] = review()
    one = await talk()
    await one.prompt("the-word-is-heron")
    ended = await one.prompt("/review SCRIPT:review")
    assert (ended.stop_reason, ended.error) == ("end_turn", "")
    assert [notice.text for notice in one.of(Notice)] == ["Codex reviews: SCRIPT:review"]
    shown = one.shown("cat here")
    assert isinstance(shown, TerminalContent)
    assert "two" in shown.text
    assert one.text.count("Not yet.") == 1
    assert "[P1] Spelling — /w/here:1-2" in one.text
    assert "overall_correctness" not in one.text
    assert "the-word-is-heron" not in str(server.asked[-1].body), "the reviewer has not heard of it"
    usage = ended.usage  # of both requests
    assert (usage.input_tokens, usage.cached_read_tokens, usage.output_tokens) == (150, 40, 40)
    server.book["recall"] = script(Turn(blocks=(Echo(of="prompts"),)))
    after = await one.prompt("SCRIPT:recall")
    assert after.usage.total_tokens == 120, "a review counts once"
    assert "the-word-is-heron" in one.text
    assert "Not yet." in str(server.asked[-1].body["input"]), "the model knows of it"
    assert len(one.of(TurnEnded)) == 3


async def test_each_review_counts_its_own_tokens(talk: Start, server: ResponsesServer, here: Path) -> None:
    server.book["review"] = review()
    one = await talk()
    counts = [(await one.prompt("/review SCRIPT:review")).usage.total_tokens for _ in range(2)]
    assert counts == [230, 230]


async def test_a_review_of_another_conversation_is_not_counted(
    talk: Start, server: ResponsesServer, here: Path
) -> None:
    server.book["review"] = review()
    server.book["slow"] = script(LOOK, verdict().model_copy(update={"hold_seconds": 3.0}))
    slow, quick = await talk(), await talk()
    await slow.send("/review SCRIPT:slow")
    await slow.wait(lambda: slow.of(ToolCall))
    await quick.prompt("/review SCRIPT:review")
    assert (await slow.ended()).usage.total_tokens == 230


@pytest.mark.parametrize(
    ("prompt", "told", "asked"),
    [
        ("/review", "current changes", "staged, unstaged, and untracked"),
        ("/review base main", "changes against 'main'", "against the base branch 'main'"),
        ("/review commit HEAD", "commit HEAD", "introduced by commit HEAD"),
    ],
)
async def test_what_is_reviewed(
    talk: Start, server: ResponsesServer, here: Path, prompt: str, told: str, asked: str
) -> None:
    one = await talk()
    assert (await one.prompt(prompt)).stop_reason == "end_turn"
    assert one.of(Notice)[0].text == f"Codex reviews: {told}"
    assert asked in server.asked[0].choice.prompt


async def test_nothing_is_asked_in_a_review_and_nothing_leaves_the_sandbox(
    talk: Start, server: ResponsesServer, here: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    question = {"id": "one", "header": "Choice", "question": "Which?", "options": []}
    server.book["review"] = script(
        LOOK,
        Turn(blocks=(escalated(f"touch {outside}"),)),
        use("apply_patch", input=add_file("patched.txt", "one\n")),
        use("mcp__probe__shout", text="heron"),
        use("agor_whoami"),
        use("request_user_input", questions=[question]),
        verdict(),
    )
    called: list[str] = []

    async def call(tool: str, arguments: Any) -> ToolAnswer:
        called.append(tool)
        return ToolAnswer(text="you are under test")

    probe = McpServer(name="probe", command=(sys.executable, "-I", "-S", str(mcp_probe.__file__)))
    house = ToolSpec(name="agor_whoami", description="Who?", parameters={"type": "object"})
    one = await talk(mcp_servers=(probe,), tools=(house,))
    one.adapter.use_tools(call)
    assert (await one.prompt("/review SCRIPT:review")).stop_reason == "end_turn"
    assert one.of(PermissionRequest) == []
    assert called == []
    assert one.result("probe shout").status == "failed"
    assert sorted(path.name for path in here.iterdir()) == [".git", "here"]
    assert not outside.exists()


async def test_the_mode_and_the_model_hold_for_a_review_too(
    talk: Start, server: ResponsesServer, here: Path
) -> None:
    server.book["review"] = review()
    one = await talk(mode="full_auto")
    await one.prompt("/review SCRIPT:review")
    assert (here / "made").exists(), "in full auto the worktree is open"
    (here / "made").unlink()
    await one.adapter.set_mode("plan")
    await one.adapter.set_effort("high")
    await one.prompt("/review SCRIPT:review")
    assert not (here / "made").exists()
    assert server.asked[-1].effort == "high"
    await one.adapter.set_model("gpt-5.6-luna")
    await one.prompt("/review")
    assert server.asked[-1].model == "gpt-5.6-luna"
    assert one.of(PermissionRequest) == []


async def test_a_model_for_reviews_of_the_persons_own_settings_holds(
    talk: Start, server: ResponsesServer, here: Path, home: Path
) -> None:
    config = home / ".codex" / "config.toml"
    config.write_text(f'review_model = "gpt-5.6-luna"\n{config.read_text()}')
    one = await talk()
    await one.prompt("/review")
    await one.prompt("hello")
    assert [asked.model for asked in server.asked] == ["gpt-5.6-luna", "gpt-5.5"]


async def test_an_interrupt_ends_a_review_and_what_it_started(
    talk: Start, server: ResponsesServer, here: Path
) -> None:
    sleep = use("exec_command", cmd="echo begun; exec sleep 68.11", yield_time_ms=250)
    server.book["slow"] = script(sleep, say("Slowly.", hold_seconds=20))
    one = await talk()
    await one.send("/review SCRIPT:slow")
    await one.wait(lambda: one.of(ToolCall))
    with pytest.raises(Conflict, match="review"):
        await one.adapter.steer("Be quick.", ())
    began = asyncio.get_running_loop().time()
    await one.adapter.interrupt()
    assert (await one.ended()).stop_reason == "cancelled"
    assert asyncio.get_running_loop().time() - began < 10, "well before the model speaks"
    sleeping = {tuple(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])}
    assert ("sleep", "68.11") not in sleeping
    server.book["review"] = review()
    again = await one.prompt("/review SCRIPT:review")
    assert (again.stop_reason, again.usage.total_tokens) == ("end_turn", 230)


async def test_a_review_that_fails_says_why(talk: Start, server: ResponsesServer, here: Path) -> None:
    server.book["busy"] = script(Turn(fault=Fault(status=429, message="Too many.")))
    one = await talk()
    ended = await one.prompt("/review SCRIPT:busy")
    assert ended.stop_reason == "failed"
    assert "429" in ended.error
    assert "rate limit" in ended.hint
    assert ended.usage.total_tokens == 0


async def test_a_program_that_dies_before_the_tokens_are_told_ends_the_turn_once(
    talk: Start, server: ResponsesServer, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = Reviews.usage

    async def killed(self: Reviews, wire: Wire, *, completed: bool) -> Usage | None:
        psutil.Process(wire.pid).kill()
        return await count(self, wire, completed=completed)

    monkeypatch.setattr(Reviews, "usage", killed)
    server.book["review"] = review()
    one = await talk()
    assert (await one.prompt("/review SCRIPT:review")).stop_reason == "end_turn"
    assert "did not tell how many tokens" in one.of(Notice)[-1].text
    await one.gone()
    assert len(one.of(TurnEnded)) == 1


async def test_a_review_may_be_the_first_turn_and_a_fork_may_begin_there(
    talk: Start, server: ResponsesServer, here: Path
) -> None:
    server.book["review"] = review()
    first = await talk()
    ended = await first.prompt("/review SCRIPT:review")
    await first.prompt("the-word-is-heron")
    reference = first.ready.native_ref
    await first.close()
    again = await talk(native_ref=reference)
    assert again.ready.native_ref == reference
    point = ForkPoint(native_ref=reference, message_ref=ended.last_message_ref, worktree=str(here))
    child = await talk(fork=point)
    await child.prompt("and now")
    history = str(server.asked[-1].body["input"])
    assert "Not yet." in history
    assert "the-word-is-heron" not in history


async def test_nothing_of_an_untrusted_repository_is_read_by_a_review(
    talk: Start, server: ResponsesServer, tmp_path: Path, home: Path
) -> None:
    linked = make_repository(tmp_path / "repository")
    config = home / ".codex" / "config.toml"
    text = config.read_text() + f'[projects."{tmp_path / "repository"}"]\ntrust_level = "trusted"\n'
    config.write_text(text)
    for trusted, read in ((False, set()), (True, {"CANARY-AGENTS"})):
        one: Talk = await talk(worktree=str(linked), trusted=trusted, mode="full_auto")
        assert (await one.prompt("/review Look for $lure")).stop_reason == "end_turn"
        assert canaries(server) >= read
        assert trusted or canaries(server) == set()
        await one.close()
    assert config.read_text() == text, "the person's settings are theirs"


async def test_no_server_of_the_persons_own_settings_is_started_for_a_review(
    talk: Start, server: ResponsesServer, here: Path, tmp_path: Path, home: Path
) -> None:
    started = tmp_path / "started"
    config = home / ".codex" / "config.toml"
    config.write_text(f'{config.read_text()}[mcp_servers.mine]\ncommand = "touch"\nargs = ["{started}"]\n')
    server.book["review"] = review()
    one = await talk()
    assert (await one.prompt("/review SCRIPT:review")).usage.total_tokens == 230
    await one.prompt("hello")
    await one.close()
    assert not started.exists()


def test_a_thread_that_is_only_looked_at_has_no_server_and_writes_nothing() -> None:
    ours = {"probe": {"command": "/bin/probe"}, "mine": {"enabled": False}}
    looked = quiet({"cwd": "/w", "sandbox": "workspace-write", "config": {"tools": {}, "mcp_servers": ours}})
    assert looked["sandbox"] == "read-only"
    assert [server["enabled"] for server in looked["config"]["mcp_servers"].values()] == [False, False]
    assert looked["config"]["mcp_servers"]["probe"]["command"], "Codex refuses a server without one"


async def test_attachments_are_refused_before_anything_begins(talk: Start, server: ResponsesServer) -> None:
    one = await talk()
    note = Attachment(name="a.txt", media_type="text/plain", data="a")
    with pytest.raises(Unprocessable, match="no attachments"):
        await one.adapter.prompt("task_x", "/review", (note,))
    assert server.asked == []
    assert (await one.prompt("hello")).stop_reason == "end_turn"


@pytest.mark.parametrize("answer_first", [True, False])
async def test_a_review_is_stopped_by_its_inner_turn_and_ends_with_its_outer_one(
    make_spec: Callable[..., SessionSpec], answer_first: bool
) -> None:
    connection = Connection(make_spec(), None)
    connection._turn = turn = _Turn(TaskId("task_1"), review=True)
    if answer_first:
        turn.id = "outer"
    started = {"method": "turn/started", "params": {"turn": {"id": "inner", "rootTurnId": "outer"}}}
    await connection._hear(started)
    assert (turn.id, turn.active) == ("outer", "inner")
