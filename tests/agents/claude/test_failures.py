"""What goes wrong between Claude Code and its model, or on this machine, and how it is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.base import SessionSpec
from agor_jupyter.agents.claude import probe
from agor_jupyter.agents.claude.adapter import ClaudeAdapter
from agor_jupyter.domain.errors import AgentUnavailable, Conflict, Unprocessable
from agor_jupyter.domain.events import AgentMessageChunk, AgentReady, Notice, TurnEnded
from agor_jupyter.testing.anthropic_server import AnthropicServer
from agor_jupyter.testing.model_script import Fault, Text, Turn, say, script

Start = Callable[..., Any]
MakeSpec = Callable[..., SessionSpec]


async def test_errors_of_the_model_fail_the_turn_and_say_what_to_do(
    talk: Start, server: AnthropicServer
) -> None:
    expected = {
        529: ("529", "overloaded"),
        401: ("authenticate", "/login"),
        429: ("429", "rate limit"),
        404: ("selected model", "another model"),
        400: ("400", "Resume"),
    }
    for status in expected:
        fault = Fault(status=status, message=f"scripted {status}")
        server.book[f"fault{status}"] = script(Turn(fault=fault))
    server.book["fine"] = script(say("Fine."))
    chat = await talk()
    for status, (error, hint) in expected.items():
        ended = await chat.prompt(f"SCRIPT:fault{status}")
        assert ended.stop_reason == "failed", status
        assert error in ended.error
        assert hint in ended.hint
        assert ended.error.count(". ") == 0, "one sentence"
    assert chat.of(AgentMessageChunk) == [], "an error is not said as the agent's words"
    assert "529" in chat.of(Notice)[0].text

    # Claude Code joins prompts that had no answer, so this one needs a script of its own.
    ended = await chat.prompt("SCRIPT:fine")

    assert ended.stop_reason == "end_turn"
    assert len(chat.of(TurnEnded)) == len(expected) + 1


async def test_a_retry_that_helps_is_told_and_the_turn_ends_well(
    talk: Start, server: AnthropicServer
) -> None:
    busy = Turn(fault=Fault(status=529, message="busy"), fault_times=1, blocks=(Text(text="Here I am."),))
    server.book["busy"] = script(busy)
    chat = await talk()

    ended = await chat.prompt("SCRIPT:busy")

    assert ended.stop_reason == "end_turn"
    assert chat.text == "Here I am."
    assert [notice.level for notice in chat.of(Notice)] == ["warning"]


async def test_a_cut_connection_fails_the_turn(talk: Start, server: AnthropicServer) -> None:
    cut = Turn(blocks=(Text(text="Half of it"), Text(text="never")), cut_after=1)
    # Each try is cut: the CLI asks again, sometimes with the half that it has heard as a turn of its own.
    server.book["cut"] = script(*[cut] * 30)
    chat = await talk()
    ended = await chat.prompt("SCRIPT:cut")
    assert ended.stop_reason == "failed"
    assert "network" in ended.hint


async def test_without_a_login_it_says_how_to_log_in(talk: Start, make_spec: MakeSpec) -> None:
    environment = {"ANTHROPIC_API_KEY": ""}
    chat = await talk(environment=environment)
    ended = await chat.prompt("Hello")
    assert ended.stop_reason == "failed"
    assert "logged in" in ended.error
    assert "/login" in ended.hint


async def test_a_model_that_is_not_there_is_refused_at_once(talk: Start, server: AnthropicServer) -> None:
    server.unknown_models.add("claude-nope")
    chat = await talk()
    with pytest.raises(Conflict, match="claude-nope"):
        await chat.adapter.set_model("claude-nope")
    assert (await chat.prompt("Still here?")).stop_reason == "end_turn"
    assert server.asked[-1].model == "claude-sonnet-4-5"


async def test_a_missing_program_is_said_on_start(
    make_spec: MakeSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "find_cli", lambda environment: None)
    adapter = ClaudeAdapter()
    with pytest.raises(AgentUnavailable, match="missing") as caught:
        await adapter.start(make_spec())
    assert "npm install" in caught.value.hint
    await adapter.close()


async def test_a_program_that_cannot_start_is_said_in_its_own_words(
    make_spec: MakeSpec, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "claude"
    broken.write_text("#!/bin/sh\necho 'This box has no soul.' >&2\nexit 1\n")
    broken.chmod(0o700)
    monkeypatch.setattr(probe, "find_cli", lambda environment: broken)
    adapter = ClaudeAdapter()
    with pytest.raises(AgentUnavailable, match="This box has no soul"):
        await adapter.start(make_spec())
    await adapter.close()


async def test_a_missing_folder_is_said_on_start(make_spec: MakeSpec, tmp_path: Path) -> None:
    adapter = ClaudeAdapter()
    with pytest.raises(AgentUnavailable, match="is not there"):
        await adapter.start(make_spec(worktree=str(tmp_path / "nowhere")))
    await adapter.close()


async def test_a_conversation_without_a_record_is_not_begun_anew_in_silence(make_spec: MakeSpec) -> None:
    adapter = ClaudeAdapter()
    lost = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(AgentUnavailable, match="no record"):
        await adapter.start(make_spec(native_ref=lost))
    await adapter.close()


async def test_wrong_settings_are_named(make_spec: MakeSpec) -> None:
    adapter = ClaudeAdapter()
    with pytest.raises(Unprocessable, match="effort"):
        await adapter.start(make_spec(options={"effort": "heroic"}))
    await adapter.close()


async def test_a_conversation_has_one_live_client(talk: Start, make_spec: MakeSpec) -> None:
    first = await talk()
    await first.wait(lambda: first.of(AgentReady))
    second = ClaudeAdapter()
    with pytest.raises(Conflict, match="live on this"):
        await second.start(make_spec(native_ref=first.native_ref))
    await second.close()


async def test_a_second_prompt_waits_for_the_first(talk: Start, server: AnthropicServer) -> None:
    server.book["slow"] = script(Turn(hold_seconds=0.5, blocks=(Text(text="At last."),)))
    server.book["next"] = script(say("Next."))
    chat = await talk()
    await chat.send("SCRIPT:slow")
    with pytest.raises(Conflict, match="at work"):
        await chat.adapter.prompt("task_x", "SCRIPT:next", ())
    assert (await chat.ended()).stop_reason == "end_turn"
    assert chat.text == "At last."
