"""Record what the real CLI says to a set of scripts: the golden files of `test_translate`.

    python -m tests.agents.claude.record

writes `golden/<name>.messages.jsonl`, one message of the CLI a line, with paths, ids and times
replaced. Run it when the pinned CLI changes, and read the difference.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import tempfile
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from claude_agent_sdk import ClaudeSDKClient, PermissionResultAllow

from agor_jupyter.agents.base import SessionSpec
from agor_jupyter.agents.claude import options
from agor_jupyter.agents.process import allowed_environment
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.testing.anthropic_server import AnthropicServer
from agor_jupyter.testing.conformance import PROBE
from agor_jupyter.testing.model_script import Fault, Script, Text, Thinking, ToolUse, Turn, script, use

GOLDEN = Path(__file__).parent / "golden"
WORKTREE = "/w"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DROPPED = ("init", "thinking_tokens", "status")


def books(worktree: str) -> dict[str, Script]:
    """Give the scripts; each becomes one golden file."""
    hello = f"{worktree}/hello.txt"
    todos = [
        {"content": "Look", "activeForm": "Looking", "status": "completed"},
        {"content": "Test", "activeForm": "Testing", "status": "in_progress"},
    ]
    return {
        "words": script(Turn(blocks=(Thinking(text="Let me think of it."), Text(text="Here it is.")))),
        "edits": script(
            Turn(
                blocks=(
                    Text(text="First a file."),
                    ToolUse(name="Write", input={"file_path": hello, "content": "one\ntwo\n"}),
                )
            ),
            use("Edit", file_path=hello, old_string="two", new_string="three"),
            use("Write", file_path=hello, content="four\n"),
            use("Read", file_path=hello),
        ),
        "commands": script(
            use("Bash", command="echo out; echo err >&2", description="Speak"),
            use("Bash", command="echo bad; exit 3"),
            use("Read", file_path=f"{worktree}/nowhere"),
        ),
        "plan": script(use("TodoWrite", todos=todos)),
        "agent": script(
            use("Agent", description="Look around", prompt="SCRIPT:child", subagent_type="general-purpose")
        ),
        "child": script(Turn(blocks=(Text(text="I look."), ToolUse(name="Bash", input={"command": "ls"})))),
        "mcp": script(use("mcp__probe__shout", text="heron"), use("mcp__probe__nothing")),
        "overloaded": script(
            Turn(fault=Fault(status=529, message="busy"), fault_times=1, blocks=(Text(text="Here."),))
        ),
    }


PROMPTS = {"compaction": ("SCRIPT:words", "/compact")}
"""What is said where it is not the script of the file's name."""

SEVERAL_RESULTS = {"agent": 2}


async def record(name: str, folder: Path) -> list[dict[str, Any]]:
    """Play one script in a fresh conversation; give the CLI's own messages."""
    worktree = folder / name
    worktree.mkdir()
    messages: list[dict[str, Any]] = []
    async with AnthropicServer(books(str(worktree))) as server:
        environment = {
            **allowed_environment(os.environ),
            "HOME": str(folder),
            "CLAUDE_CONFIG_DIR": str(folder / "config"),
            **server.environment(),
        }
        spec = SessionSpec(
            session_id=SessionId("ses_0000000000000001"),
            worktree=str(worktree),
            state_dir=str(folder),
            model="claude-sonnet-4-5",
            environment=environment,
            mcp_servers=(PROBE,) if name == "mcp" else (),
        )
        client = ClaudeSDKClient(_options(spec))
        await client.connect()
        try:
            for prompt in PROMPTS.get(name, (f"SCRIPT:{name}",)):
                await client.query(_prompt(prompt))
                # The CLI's own lines, before the SDK parses them: what a newer SDK must still understand.
                results = 0
                async for message in client._query.receive_messages():
                    messages.append(message)
                    results += message.get("type") == "result"
                    if results == SEVERAL_RESULTS.get(name, 1):
                        break
        finally:
            await client.disconnect()
    clean = _clean(json.dumps(messages), str(worktree)).replace(str(folder), "/h")
    return [item for item in json.loads(clean) if item.get("subtype") not in _DROPPED]


async def _prompt(text: str) -> AsyncIterator[dict[str, Any]]:
    said = {"role": "user", "content": text}
    yield {"type": "user", "message": said, "parent_tool_use_id": None, "uuid": str(uuid.uuid4())}


def _options(spec: SessionSpec) -> Any:
    async def allow(*_: Any) -> PermissionResultAllow:
        return PermissionResultAllow()

    from agor_jupyter.agents.claude.probe import find_cli

    return options.build(
        spec,
        cli=str(find_cli(spec.environment)),
        launcher=options.write_launcher(Path(spec.state_dir)),
        opening=options.Opening(str(uuid.uuid4())),
        marker="AGOR_SPAWN=record",
        can_use_tool=allow,
        on_stderr=lambda line: None,
    )


def _clean(text: str, worktree: str) -> str:
    """Replace what differs from run to run."""
    text = text.replace(worktree, WORKTREE).replace(worktree.replace("/", "-"), "-w")
    seen: dict[str, str] = {}
    text = _UUID.sub(lambda found: seen.setdefault(found[0], f"uuid-{len(seen)}"), text)
    text = re.sub(r"(?:msg|toolu)_\w+", lambda found: seen.setdefault(found[0], f"id-{len(seen)}"), text)
    text = re.sub(r"\ba[0-9a-f]{16}\b", lambda found: seen.setdefault(found[0], f"agent-{len(seen)}"), text)
    text = re.sub(r'"(duration\w*|ttft\w*|retry_delay_ms)": [\d.]+', r'"\1": 1', text)
    return re.sub(r'"timestamp": "[^"]*"', '"timestamp": ""', text)


async def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in [*books(""), *PROMPTS]:
            if name == "child":
                continue
            messages = await record(name, Path(folder).resolve())
            lines = "".join(json.dumps(message, ensure_ascii=False) + "\n" for message in messages)
            (GOLDEN / f"{name}.messages.jsonl").write_text(lines, encoding="utf-8")
            print(name, len(messages))


if __name__ == "__main__":
    asyncio.run(main())
