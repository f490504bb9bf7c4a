"""What goes wrong on this machine in mid-turn: it is told, nothing is lost, and the session goes on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.base import Decision, ToolAnswer
from agor_jupyter.agents.claude import probe
from agor_jupyter.domain.events import Notice, PermissionRequest, PermissionResolved, TurnEnded
from agor_jupyter.testing.anthropic_server import AnthropicServer
from agor_jupyter.testing.conformance import HOUSE_TOOL
from agor_jupyter.testing.model_script import Echo, Fault, Text, Turn, say, script, use

Start = Callable[..., Any]

CUTTER = """#!{python} -IS
import subprocess, sys
real = subprocess.Popen([{cli!r}, *sys.argv[1:]], stdout=subprocess.PIPE, close_fds=False)
for line in real.stdout:
    if b"cut-me" in line and b'"assistant"' in line:
        sys.stdout.buffer.write(line[: len(line) // 2])
        sys.stdout.buffer.flush()
        real.kill()
        sys.exit(1)
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
"""
"""Claude Code behind a pipe that breaks in the middle of a line."""


async def test_output_that_is_cut_in_mid_line_loses_the_turn_and_not_the_conversation(
    talk: Start, server: AnthropicServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.book["hello"] = script(say("Hello."))
    server.book["cut"] = script(Turn(blocks=(Text(text="cut-me " * 20, chunk=3),)))
    server.book["recall"] = script(Turn(blocks=(Text(text="I recall: "), Echo(of="prompts"))))
    cli = probe.find_cli({})
    broken = tmp_path / "claude"
    broken.write_text(CUTTER.format(python=sys.executable, cli=str(cli)))
    broken.chmod(0o700)
    with monkeypatch.context() as patch:
        patch.setattr(probe, "find_cli", lambda environment: broken)
        chat = await talk()
        await chat.prompt("the-word-is-heron SCRIPT:hello")
        ended = await chat.prompt("SCRIPT:cut")
        assert ended.stop_reason == "lost"
        assert "Resume" in ended.hint
        await chat.gone()
        await chat.close()
    again = await talk(native_ref=chat.native_ref)
    assert (await again.prompt("SCRIPT:recall")).stop_reason == "end_turn"
    assert "the-word-is-heron" in again.text


async def test_a_tools_result_of_twenty_megabytes_passes_and_is_clipped(
    talk: Start, server: AnthropicServer, worktree: Path
) -> None:
    async def call(tool: str, arguments: Any) -> ToolAnswer:
        return ToolAnswer(text="y" * 20_000_000)

    server.book["much"] = script(
        use("Bash", command="sh -c \"head -c 20000000 /dev/zero | tr '\\0' x\""),
        use("mcp__agor__agor_whoami"),
        say("Done."),
    )
    chat = await talk(tools=(HOUSE_TOOL,), call=call)
    ended = await chat.prompt("SCRIPT:much")
    assert ended.stop_reason == "end_turn"
    assert chat.text.endswith("Done.")
    assert max(len(update.model_dump_json()) for update in chat.updates) < 200_000


async def test_a_prompt_of_a_megabyte_arrives_whole(talk: Start, server: AnthropicServer) -> None:
    server.book["hello"] = script(say("Hello."))
    words = "word " * 200_000
    chat = await talk()
    ended = await chat.prompt(f"{words}the-word-is-heron SCRIPT:hello")
    assert ended.stop_reason == "end_turn"
    heard = "".join(said.text for said in server.asked[0].history)
    assert words in heard
    assert "the-word-is-heron" in heard


@pytest.mark.parametrize(
    ("status", "hint"), [(429, "wait a little"), (529, "wait a little"), (401, "/login")]
)
async def test_an_error_of_the_model_after_a_tool_keeps_what_was_done(
    talk: Start, server: AnthropicServer, worktree: Path, status: int, hint: str
) -> None:
    failing = Turn(
        fault=Fault(status=status, message="scripted"), fault_times=6, blocks=(Text(text="Never."),)
    )
    server.book["half"] = script(use("Write", file_path=str(worktree / "a.txt"), content="a"), failing)
    server.book["fine"] = script(say("Fine."))
    chat = await talk()
    ended = await chat.prompt("SCRIPT:half")
    assert ended.stop_reason == "failed"
    assert hint in ended.hint
    assert ended.usage.input_tokens > 0
    assert (worktree / "a.txt").read_text() == "a"
    if status != 401:
        assert str(status) in chat.of(Notice)[0].text
    assert (await chat.prompt("SCRIPT:fine")).stop_reason == "end_turn"
    assert len(chat.of(TurnEnded)) == 2


async def test_a_request_that_nobody_answers_waits_and_fails_nothing(
    talk: Start, server: AnthropicServer, worktree: Path
) -> None:
    server.book["write"] = script(use("Write", file_path=str(worktree / "a.txt"), content="a"), say("Done."))
    chat = await talk()
    chat.answerer = lambda request: None
    await chat.send("SCRIPT:write")
    request = (await chat.wait(lambda: chat.of(PermissionRequest)))[0]
    # No timer of ours or of the SDK's is armed for it: a jump of the loop's clock by two days wakes none.
    loop = asyncio.get_running_loop()
    late = loop.time() + 2 * 86_400
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "time", lambda: late)
        for _ in range(50):
            await asyncio.sleep(0)
    assert chat.of(TurnEnded) == []
    assert chat.of(PermissionResolved) == []
    assert not (worktree / "a.txt").exists()
    await chat.adapter.answer(request.request_id, Decision(outcome="selected", option_id="allow_once"))
    assert (await chat.ended()).stop_reason == "end_turn"
    assert (worktree / "a.txt").read_text() == "a"
