"""The life of the real CLI's process: stopped, killed, resumed; and what it may see of ours."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from agor_jupyter.agents.base import SessionSpec
from agor_jupyter.agents.process import marked
from agor_jupyter.domain.events import AgentMessageChunk, AgentReady, ToolCallUpdate, TurnEnded
from agor_jupyter.testing.anthropic_server import AnthropicServer
from agor_jupyter.testing.model_script import Echo, Text, Turn, say, script, use
from tests.agents.claude.conftest import DEADLINE_SECONDS, Talk

Start = Callable[..., Any]
MakeSpec = Callable[..., SessionSpec]

SLEEP = "sh -c 'echo begun > begun; sleep 71'"


async def wait_until(condition: Callable[[], Any], seconds: float = DEADLINE_SECONDS) -> Any:
    async with asyncio.timeout(seconds):
        while not (found := condition()):
            await asyncio.sleep(0.02)
    return found


def processes(spec: SessionSpec) -> list[psutil.Process]:
    return [psutil.Process(pid) for pid in marked(f"AGOR_SESSION={spec.session_id}")]


def cli_of(spec: SessionSpec) -> psutil.Process:
    return next(process for process in processes(spec) if process.exe().endswith("claude"))


async def test_an_interrupted_stream_ends_once_and_the_client_is_usable(
    talk: Start, server: AnthropicServer
) -> None:
    server.book["long"] = script(Turn(blocks=(Text(text="word " * 2000, delay_seconds=0.01),)))
    chat = await talk()
    await chat.send("SCRIPT:long")
    await chat.wait(lambda: chat.of(AgentMessageChunk))
    await asyncio.gather(chat.adapter.interrupt(), chat.adapter.interrupt())
    assert (await chat.ended()).stop_reason == "cancelled"
    await wait_until(lambda: server.cut_streams == 1)
    await chat.adapter.interrupt()
    assert (await chat.prompt("Again")).stop_reason == "end_turn"
    assert [ended.stop_reason for ended in chat.of(TurnEnded)] == ["cancelled", "end_turn"]


async def test_an_interrupt_right_after_the_prompt_is_not_lost(talk: Start, server: AnthropicServer) -> None:
    server.book["long"] = script(Turn(blocks=(Text(text="word " * 2000, delay_seconds=0.01),)))
    chat = await talk()
    for _ in range(3):
        await chat.send("SCRIPT:long")
        await chat.adapter.interrupt()
        assert (await chat.ended()).stop_reason == "cancelled"


async def test_an_interrupt_ends_background_shells_too(
    talk: Start, server: AnthropicServer, worktree: Path
) -> None:
    server.book["busy"] = script(
        use("Bash", command=SLEEP, run_in_background=True),
        use("Bash", command="setsid sh -c 'sleep 72' > /dev/null 2>&1 & echo away"),
        use("Bash", command="sh -c 'touch last; sleep 73'"),
    )
    chat = await talk()
    await chat.send("SCRIPT:busy")
    await wait_until((worktree / "last").exists)
    assert len(processes(chat.spec)) > 3
    await chat.adapter.interrupt()
    assert (await chat.ended()).stop_reason == "cancelled"
    await wait_until(lambda: len(processes(chat.spec)) == 1, 3)


async def test_a_killed_cli_ends_the_turn_as_lost_and_is_resumed(
    talk: Start, server: AnthropicServer, worktree: Path
) -> None:
    server.book["note"] = script(say("Noted."))
    server.book["busy"] = script(use("Bash", command=SLEEP))
    server.book["recall"] = script(Turn(blocks=(Echo(of="prompts"),)))
    chat = await talk()
    before = await chat.prompt("The word is heron. SCRIPT:note")
    await chat.send("SCRIPT:busy")
    await wait_until((worktree / "begun").exists)
    cli_of(chat.spec).kill()
    await chat.gone()
    assert [ended.stop_reason for ended in chat.of(TurnEnded)] == ["end_turn", "lost"]
    assert "exit code -9" in chat.of(TurnEnded)[-1].error
    assert chat.of(ToolCallUpdate)[-1].status == "failed"
    await chat.close()
    assert processes(chat.spec) == []

    again = await talk(native_ref=chat.native_ref)
    ended = await again.prompt("SCRIPT:recall")

    assert ended.stop_reason == "end_turn"
    assert "heron" in again.text
    assert again.native_ref == chat.native_ref
    assert ended.usage.input_tokens == before.usage.input_tokens
    # A killed CLI saved no total: whether it counts anew cannot be known, and is not guessed.
    assert ended.usage.cost_usd is None
    third = await again.prompt("SCRIPT:recall")
    assert third.usage.cost_usd == pytest.approx(before.usage.cost_usd, rel=0.01)


async def test_resumed_in_order_the_cost_is_still_of_the_turn(talk: Start, server: AnthropicServer) -> None:
    server.book["hello"] = script(say("Hello."))
    chat = await talk()
    costs = [(await chat.prompt("SCRIPT:hello")).usage.cost_usd for _ in range(3)]
    await chat.close()
    again = await talk(native_ref=chat.native_ref)
    costs.append((await again.prompt("SCRIPT:hello")).usage.cost_usd)
    assert costs[0]
    assert costs == pytest.approx([costs[0]] * 4, rel=0.01)


async def test_a_conversation_that_was_never_prompted_is_resumed(talk: Start) -> None:
    chat = await talk()
    await chat.wait(lambda: chat.of(AgentReady))
    await chat.close()
    again = await talk(native_ref=chat.native_ref)
    assert (await again.prompt("Hello")).stop_reason == "end_turn"
    assert again.native_ref == chat.native_ref


HOST = """
import asyncio, json, sys
from agor_jupyter.agents.base import Decision, SessionSpec
from agor_jupyter.agents.claude.adapter import ClaudeAdapter
from agor_jupyter.domain.events import PermissionRequest

async def main():
    adapter = ClaudeAdapter()
    await adapter.start(SessionSpec.model_validate_json(sys.stdin.read()))
    await adapter.prompt("task_1", "SCRIPT:busy", ())
    async for update in adapter.events():
        if isinstance(update, PermissionRequest):
            await adapter.answer(update.request_id, Decision(outcome="selected", option_id="allow_once"))

asyncio.run(main())
"""


async def test_a_killed_host_takes_the_cli_and_its_shells_with_it(
    make_spec: MakeSpec, server: AnthropicServer, worktree: Path
) -> None:
    server.book["busy"] = script(use("Bash", command=SLEEP))
    spec = make_spec()
    host = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOST, stdin=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert host.stdin is not None
    host.stdin.write(spec.model_dump_json().encode())
    host.stdin.close()
    await wait_until((worktree / "begun").exists)
    assert len(processes(spec)) >= 2
    host.send_signal(signal.SIGKILL)
    await host.wait()
    await wait_until(lambda: not processes(spec), 5)


async def test_nothing_of_ours_leaks_into_its_shell_or_its_command_line(
    talk: Start, server: AnthropicServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_TOKEN", "canary-jupyter")
    monkeypatch.setenv("SOME_OTHER_SECRET", "canary-other")
    key = "canary-api-key"
    server.book["look"] = script(
        use("Bash", command="env; cat /proc/$PPID/environ | tr '\\0' '\\n'; echo end")
    )
    chat = await talk(environment={"ANTHROPIC_API_KEY": key})
    await chat.prompt("SCRIPT:look")
    shown = chat.result("env").content[0].text
    assert f"AGOR_SESSION={chat.spec.session_id}" in shown
    assert shown.rstrip().endswith("end")
    assert "canary" not in shown
    assert "AGOR_LAUNCH" not in shown
    assert server.asked[-1].headers["x-api-key"] == key
    cli = cli_of(chat.spec)
    assert "canary" not in " ".join(cli.cmdline())
    assert "canary" not in str(cli.environ())
    assert key not in "".join(path.read_text() for path in Path(chat.spec.state_dir).iterdir())


async def test_a_result_of_two_megabytes_passes_and_is_clipped(
    talk: Start, server: AnthropicServer, worktree: Path
) -> None:
    large = worktree / "large.txt"
    large.write_text("first line\n" + "x" * 99 + "\n" + ("y" * 99 + "\n") * 21000)
    server.book["edit"] = script(
        use("Read", file_path=str(large), limit=5),
        use("Edit", file_path=str(large), old_string="first line", new_string="1st line"),
    )
    chat = await talk()
    ended = await chat.prompt("SCRIPT:edit")
    assert ended.stop_reason == "end_turn"
    diff = chat.result("Edit").content[0]
    assert "1st line" in diff.new_text
    assert max(len(update.model_dump_json()) for update in chat.updates) < 200_000


async def test_a_background_agent_ends_nobodys_task(talk: Start, server: AnthropicServer) -> None:
    server.book["parent"] = script(
        use("Agent", description="Look", prompt="SCRIPT:child", subagent_type="general-purpose"),
        say("It is on its way."),
    )
    server.book["child"] = script(
        Turn(blocks=(Text(text="The child looks. "),), hold_seconds=1.0),
    )
    chat = await talk()
    ended = await chat.prompt("SCRIPT:parent")
    assert ended.stop_reason == "end_turn"
    # The child is done after that, and the CLI begins a turn of its own to tell of it.
    await chat.wait(lambda: any(item.parent_tool_call_id for item in chat.of(AgentMessageChunk)))
    await chat.wait(lambda: chat.text.endswith("Done."))
    assert len(chat.of(TurnEnded)) == 1
    server.book["on"] = script(say("On."))

    last = await chat.prompt("SCRIPT:on")

    assert last.stop_reason == "end_turn"
    assert len(chat.of(TurnEnded)) == 2
    # What the turn that nobody asked for has used is told with the next task, not lost.
    assert last.usage.input_tokens > ended.usage.input_tokens / 2


async def test_an_interrupt_stops_a_background_agent_too(
    talk: Start, server: AnthropicServer, worktree: Path
) -> None:
    server.book["parent"] = script(
        use("Agent", description="Look", prompt="SCRIPT:child", subagent_type="general-purpose")
    )
    server.book["child"] = script(use("Bash", command=SLEEP), say("The child is done."))
    chat = await talk()
    assert (await chat.prompt("SCRIPT:parent")).stop_reason == "end_turn"
    await wait_until((worktree / "begun").exists)
    await chat.adapter.interrupt()
    await wait_until(lambda: len(processes(chat.spec)) == 1, 5)
    assert (await chat.prompt("On with it")).stop_reason == "end_turn"
    assert "The child is done." not in chat.text
    assert len(chat.of(TurnEnded)) == 2


async def test_models_switch_live(talk: Start, server: AnthropicServer) -> None:
    chat = await talk()
    await chat.prompt("One")
    await chat.adapter.set_model("claude-haiku-4-5")
    await chat.prompt("Two")
    assert [asked.model for asked in server.asked] == ["claude-sonnet-4-5", "claude-haiku-4-5"]
    await chat.adapter.set_model("default")
    await chat.prompt("Three")
    assert server.asked[-1].model not in ("claude-haiku-4-5", "default")


async def test_images_and_files_are_sent_with_a_prompt(talk: Start, server: AnthropicServer) -> None:
    from agor_jupyter.domain.content import Attachment

    dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
    chat = await talk()
    await chat.prompt(
        "Look at these",
        [
            Attachment(name="dot.png", media_type="image/png", data=dot),
            Attachment(name="notes.txt", media_type="text/plain", data="the word is stork"),
        ],
    )
    sent = str(server.asked[-1].body["messages"])
    assert "'type': 'image'" in sent
    assert "the word is stork" in sent


async def test_a_slash_command_answers_and_ends_its_turn(talk: Start, server: AnthropicServer) -> None:
    chat = await talk()
    await chat.prompt("Hello")
    asked = len(server.asked)
    ended = await chat.prompt("/context")
    assert ended.stop_reason == "end_turn"
    assert "Context Usage" in chat.text
    assert len(server.asked) == asked


async def test_closing_twice_and_at_once_leaves_nothing(
    talk: Start, server: AnthropicServer, worktree: Path
) -> None:
    server.book["busy"] = script(use("Bash", command=SLEEP))
    chat: Talk = await talk()
    await chat.send("SCRIPT:busy")
    await wait_until((worktree / "begun").exists)
    await asyncio.gather(chat.close(), chat.adapter.close())
    assert processes(chat.spec) == []
    assert [ended.stop_reason for ended in chat.of(TurnEnded)] == ["cancelled"]
    assert os.path.isfile(Path(chat.spec.state_dir) / f"{chat.native_ref}.json")
