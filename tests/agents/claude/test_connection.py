"""The real Claude CLI against a scripted server: streaming, tools, usage, files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from agor_jupyter.agents.claude.options import NOT_OFFERED
from agor_jupyter.domain.content import DiffContent, TerminalContent
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentReady,
    AgentThoughtChunk,
    PermissionRequest,
    ToolCall,
    UsageUpdate,
)
from agor_jupyter.testing.anthropic_server import AnthropicServer
from agor_jupyter.testing.model_script import Text, Thinking, ToolUse, Turn, say, script, use

Start = Callable[..., Any]


async def test_streams_thoughts_words_and_tools(talk: Start, server: AnthropicServer, worktree: Path) -> None:
    hello = worktree / "hello.txt"
    server.book["work"] = script(
        Turn(
            blocks=(
                Thinking(text="I should write a greeting first."),
                Text(text="Writing the file now, as you asked. "),
                ToolUse(name="Write", input={"file_path": str(hello), "content": "hello\n"}),
            )
        ),
        use("Edit", file_path=str(hello), old_string="hello", new_string="goodbye"),
        use("Bash", command="cat hello.txt; echo oops >&2; touch made", description="Look"),
        say("All is done."),
    )
    chat = await talk(system_append="Be brief to a fault.")

    ended = await chat.prompt("SCRIPT:work")

    assert ended.stop_reason == "end_turn", ended
    assert chat.thought == "I should write a greeting first."
    assert chat.text == "Writing the file now, as you asked. All is done."
    assert len(chat.of(AgentMessageChunk)) > 3
    assert len(chat.of(AgentThoughtChunk)) > 1
    assert hello.read_text() == "goodbye\n"
    ready = chat.of(AgentReady)
    assert len(ready) == 1
    assert ready[0].version
    compact = next(item for item in ready[0].commands if item.name == "compact")
    assert compact.description
    assert set(ready[0].model_labels) <= set(ready[0].models)
    assert all(ready[0].model_labels.values())
    assert [call.kind for call in chat.of(ToolCall)] == ["edit", "edit", "execute"]
    assert chat.result("Write").content == (DiffContent(path=str(hello), old_text=None, new_text="hello\n"),)
    assert chat.result("Edit").content == (
        DiffContent(path=str(hello), old_text="hello\n", new_text="goodbye\n"),
    )
    assert chat.result("cat hello.txt").content == (TerminalContent(text="goodbye\noops", exit_code=0),)
    asked = chat.of(PermissionRequest)
    assert [request.kind for request in asked] == ["edit", "edit", "execute"]
    assert asked[0].content == (DiffContent(path=str(hello), old_text=None, new_text="hello\n"),)
    assert chat.of(UsageUpdate)[-1].usage.input_tokens == 400
    offered = {tool["name"] for tool in server.asked[0].body["tools"]}
    assert {"Bash", "Read", "Write", "Edit", "AskUserQuestion"} <= offered
    assert offered & set(NOT_OFFERED) == set()
    listed = str(server.asked[0].body["messages"])  # tools that are told of later stand here by name
    assert "TodoWrite" in listed
    assert [name for name in NOT_OFFERED if f"\\n{name}\\n" in listed] == []
    system = str(server.asked[0].body["system"])
    assert len(system) > 5000, "Claude Code's own system prompt"
    assert "Be brief to a fault." in system
