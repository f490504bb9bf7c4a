"""What the real Gemini CLI can do beside its turns: skills, its context, limits, commands left running."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from agor_jupyter.agents.acp.gemini_record import WINDOW_TOKENS
from agor_jupyter.agents.process import marked
from agor_jupyter.domain.content import TextContent
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.events import (
    AgentReady,
    PermissionRequest,
    ToolCall,
    ToolCallUpdate,
    TurnEnded,
    UsageUpdate,
)
from agor_jupyter.testing.gemini_server import GeminiServer
from agor_jupyter.testing.model_script import Echo, Text, Turn, say, script, use
from tests.agents.acp.talking import DEADLINE_SECONDS, Talk, choose
from tests.agents.gemini.conftest import Start

SKILLS = {"brew": ".gemini/skills/brew", "stew": ".agents/skills/stew"}


def bring_skills(worktree: Path) -> None:
    for name, place in SKILLS.items():
        (worktree / place).mkdir(parents=True)
        words = f"---\nname: {name}\ndescription: How to {name} well\n---\nCANARY-{name.upper()}: stir.\n"
        (worktree / place / "SKILL.md").write_text(words)


async def test_skills_of_a_trusted_repository_are_asked_about_and_shown(
    talk: Start, server: GeminiServer, tmp_path: Path
) -> None:
    bring_skills(tmp_path / "worktree")
    server.book["use"] = script(
        use("activate_skill", name="brew"), use("activate_skill", name="stew"), say("Done.")
    )
    chat = await talk(trusted=True)
    await chat.prompt("SCRIPT:use")
    offered, learned = json.dumps(server.asked[0].body), json.dumps(server.asked[-1].body)
    for name in SKILLS:
        assert f"How to {name} well" in offered
        assert f"CANARY-{name.upper()}" not in offered, "what it says is read when it is used"
        assert f"CANARY-{name.upper()}" in learned
    assert [request.title for request in chat.of(PermissionRequest)] == [
        '"brew": How to brew well',
        '"stew": How to stew well',
    ]
    assert [call.kind for call in chat.of(ToolCall)] == ["other", "other"]
    assert [call.status for call in chat.of(ToolCallUpdate)] == ["completed", "completed"]


async def test_a_skill_that_is_rejected_is_not_read(
    talk: Start, server: GeminiServer, tmp_path: Path
) -> None:
    bring_skills(tmp_path / "worktree")
    server.book["use"] = script(use("activate_skill", name="brew"), say("Done."))
    chat = await talk(trusted=True)
    chat.answerer = choose("reject_once")
    await chat.prompt("SCRIPT:use")
    await chat.prompt("Go on")
    assert "CANARY-BREW" not in json.dumps([asked.body for asked in server.asked])


async def test_skills_of_an_untrusted_repository_are_not_there(
    talk: Start, server: GeminiServer, tmp_path: Path
) -> None:
    bring_skills(tmp_path / "worktree")
    server.book["use"] = script(use("activate_skill", name="brew"), say("Done."))
    chat = await talk()
    await chat.prompt("SCRIPT:use")
    heard = json.dumps([asked.body for asked in server.asked])
    assert "How to brew well" not in heard
    assert "CANARY" not in heard
    assert chat.of(PermissionRequest) == []
    assert [call.status for call in chat.of(ToolCallUpdate)] == ["failed"]


async def test_the_context_is_that_of_the_last_request(talk: Start, server: GeminiServer) -> None:
    """The tokens of a turn are those of all its requests; they say nothing of how full it is."""
    server.book["two"] = script(
        use("write_file", file_path="a.txt", content="a"),
        Turn(blocks=(Text(text="Done."),), input_tokens=7000, output_tokens=300),
    )
    server.book["small"] = script(Turn(blocks=(Text(text="Small."),), input_tokens=900, output_tokens=1))
    chat = await talk()
    ended = await chat.prompt("SCRIPT:two")
    assert ended.usage.input_tokens == 7100
    (told,) = chat.of(UsageUpdate)
    assert (told.context_used, told.context_size) == (7300, WINDOW_TOKENS)
    assert told.usage == ended.usage
    assert chat.updates.index(told) < chat.updates.index(ended)
    await chat.close()
    chat = await talk(native_ref=chat.native_ref)
    await chat.prompt("SCRIPT:small")
    assert [item.context_used for item in chat.of(UsageUpdate)] == [901], "from the record it goes on with"


async def test_a_limit_of_requests_ends_the_turn_and_says_so(talk: Start, server: GeminiServer) -> None:
    server.book["long"] = script(
        *(use("write_file", file_path=f"{name}.txt", content=name) for name in "abcd"), say("Done.")
    )
    limited = {"max_session_turns": 3}
    chat = await talk(options=limited)
    assert (await chat.prompt("Hello")).stop_reason == "end_turn"
    ended = await chat.prompt("SCRIPT:long")
    assert (ended.stop_reason, ended.error) == ("max_turn_requests", "")
    assert "max_session_turns" in ended.hint
    assert len(server.asked) == 3
    assert (await chat.prompt("Hello")).stop_reason == "max_turn_requests"
    assert len(server.asked) == 3, "it is of the process, not of a prompt"
    await chat.close()
    chat = await talk(options=limited, native_ref=chat.native_ref)
    assert (await chat.prompt("Hello")).stop_reason == "end_turn", "and counts anew with the next one"
    await chat.close()
    chat = await talk()
    assert (await chat.prompt("SCRIPT:long")).stop_reason == "end_turn", "no limit is left in its home"
    with pytest.raises(Unprocessable, match="max_session_turns"):
        await talk(options={"max_session_turns": 0})


async def test_its_slash_commands_are_those_that_it_lists(
    talk: Start, server: GeminiServer, tmp_path: Path
) -> None:
    """A person's prompt that begins with another one is words to the model."""
    own = tmp_path / "worktree" / ".gemini" / "commands"
    own.mkdir(parents=True)
    (own / "mine.toml").write_text('description = "Mine"\nprompt = "CANARY-COMMAND"\n')
    chat = await talk(trusted=True)
    names = {command.name for command in chat.of(AgentReady)[0].commands}
    assert names >= {"init", "memory"}
    assert not names & {"compress", "mine"}
    for text in ("/compress", "/mine"):
        await chat.prompt(text)
        assert server.asked[-1].history[-1].text.endswith(text)
    assert len(server.asked) == 2
    assert "CANARY-COMMAND" not in json.dumps(server.asked[-1].body)


@pytest.mark.parametrize("trusted", [True, False])
async def test_hooks_of_a_trusted_repository_run_but_not_around_tools(
    talk: Start, server: GeminiServer, tmp_path: Path, trusted: bool
) -> None:
    """Over ACP Gemini CLI runs tools by another way: no hook answers there for a person."""
    folder = tmp_path / "worktree" / ".gemini"
    folder.mkdir(parents=True)
    hooks = {
        event: [{"matcher": "*", "hooks": [{"type": "command", "command": f"touch {tmp_path}/hook-{event}"}]}]
        for event in ("BeforeAgent", "BeforeModel", "BeforeTool")
    }
    (folder / "settings.json").write_text(json.dumps({"hooks": hooks}))
    server.book["work"] = script(use("write_file", file_path="a.txt", content="a"), say("Done."))
    chat = await talk(trusted=trusted)
    await chat.prompt("SCRIPT:work")
    ran = sorted(path.name for path in tmp_path.glob("hook-*"))
    assert ran == (["hook-BeforeAgent", "hook-BeforeModel"] if trusted else [])
    assert len(chat.of(PermissionRequest)) == 1


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("codebase_investigator", ""),  # it runs
        ("generalist", "denied by policy"),
        ("mine", "not found"),
    ],
)
async def test_a_subagent_changes_nothing_unasked(
    talk: Start, server: GeminiServer, tmp_path: Path, name: str, told: str
) -> None:
    own = tmp_path / "worktree" / ".gemini" / "agents"
    own.mkdir(parents=True)
    (own / "mine.md").write_text("---\nname: mine\ndescription: Of the repository\n---\nCANARY-AGENT\n")
    server.book["parent"] = script(use("invoke_agent", agent_name=name, prompt="SCRIPT:child"), say("After."))
    server.book["child"] = script(
        use("write_file", file_path="planted.txt", content="x"),
        use("run_shell_command", command="touch planted-too.txt"),
        use("complete_task", result="Done.", response="Done."),
    )
    chat = await talk(trusted=True, mode="full_auto")
    ended = await chat.prompt("SCRIPT:parent")
    assert (ended.stop_reason, chat.text) == ("end_turn", "After.")
    (called,) = chat.of(ToolCall)
    assert called.kind == "think"
    assert told in "".join(getattr(item, "text", "") for item in chat.contents)
    assert ("child" in [asked.choice.script for asked in server.asked]) == (told == "")
    assert [path.name for path in (tmp_path / "worktree").iterdir()] == [".gemini"]
    assert chat.of(PermissionRequest) == []


async def test_no_extension_is_added(talk: Start, server: GeminiServer, tmp_path: Path) -> None:
    """Gemini CLI would wait for a consent that over ACP nobody can give."""
    folder = tmp_path / "extension"
    folder.mkdir()
    servers = {"evil": {"command": "touch", "args": [str(tmp_path / "evil-ran")]}}
    described = {"name": "evil", "version": "1.0.0", "mcpServers": servers}
    (folder / "gemini-extension.json").write_text(json.dumps(described))
    chat = await talk(trusted=True)
    for verb in ("link", "install"):
        assert (await chat.prompt(f"/extensions {verb} {folder}")).stop_reason == "end_turn"
    assert chat.text.count("allowedExtensions") == 2, chat.text
    await chat.prompt("Hello")
    assert not (tmp_path / "evil-ran").exists()


def sleepers(chat: Talk, seconds: int) -> set[int]:
    found = set()
    for pid in marked(f"AGOR_SESSION={chat.spec.environment['AGOR_SESSION']}"):
        try:
            if psutil.Process(pid).cmdline() == ["sleep", str(seconds)]:
                found.add(pid)
        except psutil.NoSuchProcess:
            continue
    return found


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():
            await asyncio.sleep(0.05)


async def test_a_command_in_the_background_outlives_its_turn_until_a_stop(
    talk: Start, server: GeminiServer
) -> None:
    background = use("run_shell_command", command="sleep 371", is_background=True)
    server.book["begin"] = script(background, say("It runs."))
    server.book["look"] = script(
        use("list_background_processes"), Turn(blocks=(Text(text="I see: "), Echo(of="results")))
    )
    server.book["busy"] = script(use("run_shell_command", command="sleep 372"), say("Never."))
    chat = await talk()
    assert (await chat.prompt("SCRIPT:begin")).stop_reason == "end_turn"
    (request,) = chat.of(PermissionRequest)
    assert "[background]" in request.description
    shown = chat.contents[-1]
    assert "background (PID" in getattr(shown, "text", ""), shown
    await until(lambda: sleepers(chat, 371))
    await chat.prompt("SCRIPT:look")
    assert "RUNNING: `sleep 371`" in chat.text
    assert any(isinstance(item, TextContent) and "sleep 371" in item.text for item in chat.contents)
    await chat.send("SCRIPT:busy")
    await until(lambda: sleepers(chat, 372))
    await chat.adapter.interrupt()
    assert (await chat.ended()).stop_reason == "cancelled"
    await until(lambda: not sleepers(chat, 371) and not sleepers(chat, 372))
    assert (await chat.prompt("Hello")).stop_reason == "end_turn", "the agent itself is kept"
    assert len(chat.of(TurnEnded)) == 4


async def test_a_command_in_the_background_ends_with_the_session(talk: Start, server: GeminiServer) -> None:
    background = use("run_shell_command", command="sleep 373", is_background=True)
    server.book["begin"] = script(background, say("It runs."))
    chat = await talk()
    await chat.prompt("SCRIPT:begin")
    await until(lambda: sleepers(chat, 373))
    await chat.close()
    assert not sleepers(chat, 373)
