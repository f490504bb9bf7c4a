"""What goes wrong outside, and how it is told: one sentence, and the next step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.base import SessionSpec
from agor_jupyter.agents.codex.adapter import CodexAdapter
from agor_jupyter.domain.errors import AgentUnavailable, Conflict, Unprocessable
from agor_jupyter.domain.events import Notice
from agor_jupyter.testing.model_script import Fault, Text, Turn, say, script
from agor_jupyter.testing.responses_server import ResponsesServer

Start = Callable[..., Any]


async def test_without_a_login_a_prompt_says_how_to_log_in(talk: Start, home: Path) -> None:
    (home / ".codex" / "config.toml").write_text('model = "gpt-5.5"\n')
    one = await talk()
    ended = await one.prompt("hello")
    assert ended.stop_reason == "failed"
    assert ended.error == "Codex is not logged in."
    assert "codex login` in a terminal" in ended.hint
    assert "OPENAI_API_KEY" in ended.hint


async def test_a_key_logs_in_and_is_written_nowhere(talk: Start, home: Path, server: ResponsesServer) -> None:
    config = f'model = "gpt-5.5"\nopenai_base_url = "{server.base_url}"\n'
    (home / ".codex" / "config.toml").write_text(config)
    one = await talk(environment={"OPENAI_API_KEY": server.key, "SCRIPTED_API_KEY": ""})
    account = await one.adapter._live._wire.call("account/read", {}, seconds=10)
    assert account["account"] == {"type": "apiKey"}
    await one.close()
    written = [
        path for path in home.rglob("*") if path.is_file() and server.key.encode() in path.read_bytes()
    ]
    assert written == []


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (401, "login"),
        (403, "choose another model"),
        (429, "wait a little"),
        (500, "Resume the session to try again"),
        (503, "overloaded"),
    ],
)
async def test_a_refusal_of_the_model_ends_the_turn(
    talk: Start, server: ResponsesServer, status: int, hint: str
) -> None:
    server.book["bad"] = script(Turn(fault=Fault(status=status, message="Scripted trouble."), fault_times=9))
    one = await talk()
    ended = await one.prompt("SCRIPT:bad")
    assert ended.stop_reason == "failed"
    assert ended.error
    assert hint in ended.hint
    server.book["well"] = script(say("Well."))
    assert (await one.prompt("SCRIPT:well")).stop_reason == "end_turn", "the session goes on"


async def test_a_wrong_key_says_how_to_log_in(talk: Start) -> None:
    one = await talk(environment={"SCRIPTED_API_KEY": "wrong"})
    ended = await one.prompt("hello")
    assert ended.stop_reason == "failed"
    assert "login" in ended.hint


async def test_an_unknown_model_says_to_choose_another(talk: Start, server: ResponsesServer) -> None:
    server.unknown_models.add("gpt-nowhere")
    one = await talk(model="gpt-nowhere")
    ended = await one.prompt("hello")
    assert ended.stop_reason == "failed"
    assert "gpt-nowhere" in ended.error
    assert "Choose another model" in ended.hint
    await one.adapter.set_model("gpt-5.5")
    assert (await one.prompt("hello")).stop_reason == "end_turn"


async def test_a_stream_that_is_cut_ends_the_turn(talk: Start, server: ResponsesServer) -> None:
    server.book["cut"] = script(Turn(blocks=(Text(text="Half of it."),), cut_after=1))
    one = await talk()
    ended = await one.prompt("SCRIPT:cut")
    assert ended.stop_reason == "failed"
    assert "network" in ended.hint
    assert server.cut_streams == 1


async def test_a_retry_is_a_notice(talk: Start, home: Path, server: ResponsesServer) -> None:
    config = home / ".codex" / "config.toml"
    config.write_text(config.read_text().replace("stream_max_retries = 0", "stream_max_retries = 2"))
    once = Turn(fault=Fault(status=500), fault_times=1, blocks=(Text(text="Here."),))
    server.book["once"] = script(once)
    one = await talk()
    assert (await one.prompt("SCRIPT:once")).stop_reason == "end_turn"
    assert "Here." in one.text
    assert any("tries again" in notice.text for notice in one.of(Notice))


async def test_an_answer_that_is_cut_short_says_so(talk: Start, server: ResponsesServer) -> None:
    server.book["long"] = script(say("As much as", stop_reason="max_tokens"))
    one = await talk()
    ended = await one.prompt("SCRIPT:long")
    assert ended.stop_reason == "max_tokens"


async def test_a_second_prompt_and_a_late_steer_are_refused(talk: Start, server: ResponsesServer) -> None:
    server.book["slow"] = script(say("Slowly.", hold_seconds=5))
    one = await talk()
    with pytest.raises(Conflict, match="No turn is under way"):
        await one.adapter.steer("too early", ())
    await one.send("SCRIPT:slow")
    with pytest.raises(Conflict, match="at work on another prompt"):
        await one.adapter.prompt("task_x", "again", ())
    await one.adapter.interrupt()
    assert (await one.ended()).stop_reason == "cancelled"
    await one.adapter.interrupt()


async def test_what_is_missing_is_said_before_anything_starts(
    make_spec: Callable[..., SessionSpec], tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for spec, what in (
        (make_spec(worktree=str(tmp_path / "nowhere")), "is not there"),
        (make_spec(native_ref="01a21421-e0c0-7320-8c44-ef57a385a2b3"), "no record"),
    ):
        adapter = CodexAdapter()
        with pytest.raises(AgentUnavailable, match=what):
            await adapter.start(spec)
        await adapter.close()
    with pytest.raises(Unprocessable, match="web_search"):
        await CodexAdapter().start(make_spec(options={"web_search": "sometimes"}))
    (home / ".codex" / "config.toml").write_text("model = [broken\n")
    adapter = CodexAdapter()
    with pytest.raises(AgentUnavailable) as told:
        await adapter.start(make_spec())
    assert told.value.hint
    await adapter.close()
    monkeypatch.setattr("agor_jupyter.agents.codex.probe.bundled_program", lambda: None)
    with pytest.raises(AgentUnavailable, match="missing"):
        await CodexAdapter().start(make_spec(environment={"PATH": str(tmp_path)}))
