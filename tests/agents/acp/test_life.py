"""A conversation with the scripted agent: what it offers, chooses, asks, costs; its end and its return."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from agor_jupyter.agents.acp.offers import Abilities
from agor_jupyter.agents.acp.presets import GEMINI, GENERIC
from agor_jupyter.agents.base import McpServer
from agor_jupyter.agents.process import marked
from agor_jupyter.domain.content import SlashCommand, TerminalContent, TextContent, ToolLocation
from agor_jupyter.domain.events import (
    AgentReady,
    EffortChanged,
    ModeChanged,
    ModelChanged,
    Notice,
    PermissionRequest,
    PermissionResolved,
    ToolCall,
    ToolCallUpdate,
    UsageUpdate,
)
from agor_jupyter.testing import mcp_probe
from tests.agents.acp.conftest import Start
from tests.agents.acp.talking import choose, steps


async def test_it_says_what_is_really_there(talk: Start) -> None:
    rich = (await talk()).of(AgentReady)[0]
    assert (rich.version, rich.model, rich.models) == ("1.0", "small", ("small", "large"))
    notes = SlashCommand(name="notes", description="Show the notes.")
    assert (rich.efforts, rich.commands, rich.instructions) == (("low", "high"), (notes,), ())
    poor = (await talk("--without=models", "--without=commands")).of(AgentReady)[0]
    assert (poor.models, poor.efforts, poor.commands) == ((), (), ())


@pytest.mark.parametrize(
    ("without", "lacks"),
    [
        ((), ()),
        (("fork",), ("fork",)),
        (("image",), ("images",)),
        (("load",), ()),  # it resumes
        (("resume",), ()),  # it loads
        (("fork", "image", "load", "resume"), ("fork", "images", "resume")),
    ],
)
async def test_it_says_what_it_lacks(talk: Start, without: tuple[str, ...], lacks: tuple[str, ...]) -> None:
    chat = await talk(*(f"--without={name}" for name in without))
    commands = [{"name": "other"}]
    await chat.prompt(
        steps({"update": {"sessionUpdate": "available_commands_update", "availableCommands": commands}})
    )
    told = [ready.unable for ready in chat.of(AgentReady)]
    assert len(told) > 1 and set(told) == {lacks}, "also when it tells again what it offers"


def test_what_its_kind_cannot_either_is_not_told() -> None:
    assert Abilities().lacks(GENERIC.capabilities) == ("fork", "images", "resume")
    assert Abilities().lacks(GEMINI.capabilities) == ("images", "resume")


async def test_model_and_effort_are_chosen_at_the_start_and_later(talk: Start) -> None:
    chat = await talk(model="large", effort="high")
    assert chat.of(AgentReady)[0].model == "large"
    await chat.adapter.set_model("small")
    await chat.adapter.set_effort("low")
    update = {
        "sessionUpdate": "config_option_update",
        "configOptions": [
            {"id": "model", "category": "model", "type": "select", "currentValue": "large", "options": []},
            {"id": "effort", "category": "thought_level", "type": "select", "currentValue": "high"},
        ],
    }
    await chat.prompt(steps({"update": update}))
    assert [item.model for item in chat.of(ModelChanged)] == ["large"]
    assert [item.effort for item in chat.of(EffortChanged)] == ["high"]


async def test_what_changes_in_mid_session_is_told_again(talk: Start) -> None:
    chat = await talk()
    listed = [
        {"name": "plan", "description": "Make\na plan.", "input": {"hint": "what for"}},
        {"name": ""},
        "odd",
    ]
    options = [{"value": "vast", "name": "Vast 2"}, {"value": "small", "name": "small"}]
    model = {"id": "model", "category": "model", "type": "select", "currentValue": "vast", "options": options}
    await chat.prompt(
        steps(
            {"update": {"sessionUpdate": "available_commands_update", "availableCommands": listed}},
            {"update": {"sessionUpdate": "config_option_update", "configOptions": [model]}},
        )
    )
    first, by_commands, by_models = chat.of(AgentReady)
    plan = SlashCommand(name="plan", description="Make a plan.", hint="what for")
    assert by_commands == first.model_copy(update={"commands": (plan,)})
    offers = {"model": "vast", "models": ("vast", "small"), "model_labels": {"vast": "Vast 2"}}
    assert by_models == by_commands.model_copy(update=offers)


async def test_it_is_never_put_into_a_mode_that_asks_nobody(talk: Start) -> None:
    for mode in ("full_auto", "accept_edits", "ask"):
        chat = await talk(mode=mode)
        await chat.prompt(steps({"write": [f"{mode}.txt", "text"]}))
        assert len(chat.of(PermissionRequest)) == 1, mode
        assert chat.of(Notice) == []


async def test_a_mode_that_it_takes_by_itself_is_followed_or_warned_of(talk: Start) -> None:
    chat = await talk()
    await chat.adapter.set_mode("plan")
    assert chat.of(ModeChanged) == []
    switches = [
        {"update": {"sessionUpdate": "current_mode_update", "currentModeId": mode}}
        for mode in ("plan", "default", "plan", "auto")
    ]
    await chat.prompt(steps(*switches))
    assert [item.mode for item in chat.of(ModeChanged)] == ["ask", "plan"]
    warning = chat.of(Notice)[-1]
    assert warning.level == "warning"
    assert "'auto'" in warning.text
    assert "modes" in warning.hint


async def test_its_own_mode_may_be_named_in_the_options(talk: Start) -> None:
    options = {"command": [sys.executable, "-m", "agor_jupyter.testing.acp_agent"], "modes": {"ask": "auto"}}
    chat = await talk(options=options)
    assert "'auto'" in chat.of(Notice)[0].text
    await chat.prompt(steps({"write": ["a.txt", "text"]}))
    assert chat.of(PermissionRequest) == []


async def test_a_request_shows_what_will_be_touched(talk: Start, tmp_path: Path) -> None:
    chat = await talk()
    (tmp_path / "worktree" / "link.txt").symlink_to(tmp_path / "home" / "real.txt")
    (tmp_path / "home" / "real.txt").write_text("before")
    await chat.prompt(steps({"write": ["link.txt", "after"]}, {"write": ["plain.txt", "text"]}))
    outside, inside = chat.of(PermissionRequest)
    assert outside.locations == (ToolLocation(path=str(tmp_path / "home" / "real.txt")),)
    assert inside.locations == (ToolLocation(path=str(tmp_path / "worktree" / "plain.txt")),)
    assert outside.digest != inside.digest
    assert [option.kind for option in inside.options] == ["allow_once", "allow_always", "reject_once"]
    assert chat.of(ToolCall)[0].tool_call_id == outside.tool_call_id


async def test_always_is_kept_here_and_the_agent_hears_once(talk: Start) -> None:
    chat = await talk()
    chat.answerer = choose("allow_always")
    await chat.prompt(steps({"run": "touch a"}, {"run": "touch a"}))
    assert len(chat.of(PermissionRequest)) == 2, "its own always would have let it run unseen"


async def test_a_rejection_is_told_once_with_its_words(talk: Start) -> None:
    chat = await talk()
    chat.answerer = choose("reject_once", "Not now.")
    await chat.prompt(steps({"run": "touch a"}))
    failed = [item for item in chat.of(ToolCallUpdate) if item.status == "failed"]
    assert [item.content for item in failed] == [(TextContent(text="Not now."),)]


async def test_output_comes_while_a_command_runs(talk: Start, tmp_path: Path) -> None:
    chat = await talk()
    go = tmp_path / "go"
    await chat.send(
        steps({"run": f"echo first; while [ ! -e {go} ]; do sleep 0.05; done; echo second; exit 4"})
    )
    await chat.wait(lambda: any(isinstance(item, TerminalContent) for item in chat.contents))
    assert chat.contents[-1] == TerminalContent(text="first\n")
    go.touch()
    await chat.ended()
    assert "".join(item.output_delta or "" for item in chat.of(ToolCallUpdate)) == "second\n"
    assert chat.contents[-1] == TerminalContent(text="first\nsecond\n", exit_code=4)
    assert chat.of(ToolCallUpdate)[-1].status == "failed"


async def test_cost_is_of_the_turn(talk: Start) -> None:
    chat = await talk()
    costs = [(await chat.prompt("Hello")).usage.cost_usd for _ in range(2)]
    assert costs == pytest.approx([0.01, 0.01])
    told = chat.of(UsageUpdate)[-1]
    assert (told.context_used, told.context_size) == (2000, 200_000)
    reference = chat.native_ref
    await chat.close()
    again = await talk(native_ref=reference)
    first = (await again.prompt("Hello")).usage
    assert first.cost_usd is None, "what it had cost before is not known"
    assert (await again.prompt("Hello")).usage.cost_usd == pytest.approx(0.01)


async def test_a_conversation_that_nobody_prompted_is_begun_anew(talk: Start) -> None:
    first = await talk()
    reference = first.native_ref
    await first.close()
    again = await talk(native_ref=reference)
    assert again.native_ref != reference
    await again.prompt("Hello")
    kept = again.native_ref
    await again.close()
    assert (await talk(native_ref=kept)).native_ref == kept


async def test_a_replay_is_not_told_again(talk: Start) -> None:
    first = await talk("--without=resume")
    await first.prompt("The word is heron")
    reference = first.native_ref
    await first.close()
    again = await talk("--without=resume", native_ref=reference)
    assert [type(item) for item in again.updates] == [AgentReady]
    await again.prompt(steps({"recall": True}))
    assert again.text == "The word is heron"


async def test_the_houses_words_go_before_the_first_prompt(talk: Start) -> None:
    chat = await talk(system_append="Be brief to a fault.")
    await chat.prompt("/notes")
    await chat.prompt("Hello")
    await chat.prompt("Again")
    await chat.prompt(steps({"recall": True}))
    assert chat.text.endswith("/notes\nBe brief to a fault.\nHello\nAgain")


async def test_an_interrupt_answers_what_it_asks(talk: Start) -> None:
    chat = await talk()
    chat.answerer = lambda request: None
    await chat.send(steps({"run": "touch a"}, {"run": "touch b"}))
    await chat.wait(lambda: chat.of(PermissionRequest))
    await chat.adapter.interrupt()
    assert (await chat.ended()).stop_reason == "cancelled"
    resolved = chat.of(PermissionResolved)
    assert [(item.outcome, item.by) for item in resolved] == [("cancelled", "agent")]
    assert len(chat.of(PermissionRequest)) == 1


async def test_an_interrupt_ends_strays_and_spares_tool_servers(talk: Start, tmp_path: Path) -> None:
    """What left its command's group is ended; a server that the agent keeps for the conversation is not."""
    server = McpServer(name="probe", command=(sys.executable, "-I", "-S", str(Path(mcp_probe.__file__))))
    chat = await talk(mcp_servers=(server,))
    pid = tmp_path / "worktree" / "pid"
    stray = "setsid sh -c 'echo $$ > new; mv new pid; sleep 60' & sleep 60"
    await chat.send(steps({"use": ["probe", "shout", {"text": "first"}]}, {"run": stray}))
    async with asyncio.timeout(30):
        while not pid.exists():
            await asyncio.sleep(0.02)
    number = int(pid.read_text())
    assert number in marked(f"AGOR_SESSION={chat.spec.environment['AGOR_SESSION']}")
    await chat.adapter.interrupt()
    assert (await chat.ended()).stop_reason == "cancelled"
    assert number not in marked(f"AGOR_SESSION={chat.spec.environment['AGOR_SESSION']}")
    await chat.prompt(steps({"use": ["probe", "shout", {"text": "second"}]}))
    assert chat.text == "FIRSTSECOND"


def test_the_generic_kind_promises_what_the_protocol_can() -> None:
    can = GENERIC.capabilities
    assert can.fork and can.resume and can.mcp and can.house_tools
    assert not can.steer and not can.fork_at_message
