"""Record what the real Codex says to a set of scripts: the golden files of `test_translate`.

    python -m tests.agents.codex.record

writes `golden/<name>.messages.jsonl`, one message of the app server a line (with the texts of the
files that it names, as they were then), paths, ids and times replaced. Run it when the pinned
program changes, and read the difference.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agor_jupyter.agents.base import Decision, McpServer, SessionSpec, ToolAnswer, ToolSpec
from agor_jupyter.agents.codex import permissions, tools
from agor_jupyter.agents.codex.connection import Connection
from agor_jupyter.agents.process import allowed_environment
from agor_jupyter.domain.events import PermissionRequest, TurnEnded
from agor_jupyter.domain.ids import SessionId, TaskId
from agor_jupyter.testing import mcp_probe
from agor_jupyter.testing.harnesses.codex import add_file, escalated, make_home, places_of
from agor_jupyter.testing.model_script import Fault, Script, Text, Thinking, ToolUse, Turn, script, use
from agor_jupyter.testing.responses_server import ResponsesServer

GOLDEN = Path(__file__).parent / "golden"
WORKTREE = "/w"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DROPPED = re.compile(
    r"thread/(started|status|settings|readState)|account/|remoteControl/|configWarning|mcpServer/startup"
)


def books() -> dict[str, Script]:
    """Give the scripts; each becomes one golden file."""
    update = "*** Begin Patch\n*** Update File: hello.txt\n@@\n one\n-two\n+three\n*** End Patch\n"
    head = "*** Begin Patch\n*** Update File: hello.txt\n*** Move to: moved.txt\n"
    move = f"{head}@@\n-one\n+four\n*** End Patch\n"
    delete = "*** Begin Patch\n*** Delete File: moved.txt\n*** End Patch\n"
    steps = [{"step": "Look", "status": "completed"}, {"step": "Test", "status": "in_progress"}]
    first = ToolUse(name="apply_patch", input={"input": add_file("hello.txt", "one\ntwo\n")})
    asked = {
        "id": "q",
        "header": "Colour",
        "question": "Which?",
        "options": [{"label": "red", "description": "r"}],
    }
    return {
        "words": script(Turn(blocks=(Thinking(text="Let me think of it."), Text(text="Here it is.")))),
        "edits": script(
            Turn(blocks=(Text(text="First a file."), first)),
            use("apply_patch", input=update),
            use("apply_patch", input=move),
            use("apply_patch", input=delete),
        ),
        "commands": script(
            use("exec_command", cmd="echo out; echo err >&2"),
            Turn(blocks=(escalated("echo bad; exit 3"),)),
            use("exec_command", cmd="cat nowhere"),
        ),
        "plan": script(use("update_plan", plan=steps)),
        "tools": script(
            use("mcp__probe__shout", text="heron"),
            use("agor_whoami", loud=True),
            use("request_user_input", questions=[asked]),
        ),
        "review": script(use("exec_command", cmd="echo seen"), Turn(blocks=(Text(text="All is well."),))),
        "overloaded": script(
            Turn(fault=Fault(status=503, message="busy"), fault_times=1, blocks=(Text(text="Here."),))
        ),
        "failed": script(Turn(fault=Fault(status=429, message="Too many."))),
    }


class Recorder(Connection):
    """A connection that keeps all that it hears."""

    def __init__(self, spec: SessionSpec) -> None:
        super().__init__(spec, _whoami)
        self.heard: list[dict[str, Any]] = []

    async def _hear(self, message: Mapping[str, Any]) -> None:
        params = message.get("params") or {}
        if self._thread and params.get("threadId") not in (None, self._thread):
            await super()._hear(message)  # of a review's own thread, when its tokens are counted
            return
        item = params.get("item") or {}
        if message["method"] == permissions.CHANGE:
            item = self._translator.item(params["itemId"]) or {}
        kept = dict(message)
        if item.get("type") == "fileChange":
            seen = await asyncio.to_thread(permissions.look, tools.paths_of(item), self._spec.worktree)
            kept["texts"] = dict(seen.texts)
        self.heard.append(kept)
        await super()._hear(message)


async def _whoami(tool: str, arguments: Mapping[str, Any]) -> ToolAnswer:
    return ToolAnswer(text="you are under test")


async def record(name: str, folder: Path) -> list[dict[str, Any]]:
    """Play one script in a fresh conversation; give what the app server said."""
    worktree, home = folder / name, folder / f"{name}-home"
    worktree.mkdir()
    async with ResponsesServer(books()) as server:
        config = server.codex_config()
        if name == "overloaded":
            config = config.replace("stream_max_retries = 0", "stream_max_retries = 2")
        make_home(home, config)
        spec = SessionSpec(
            session_id=SessionId("ses_0000000000000001"),
            worktree=str(worktree),
            state_dir=str(folder),
            environment={**allowed_environment(os.environ), **places_of(home), **server.environment()},
            mcp_servers=(McpServer(name="probe", command=(sys.executable, "-I", "-S", mcp_probe.__file__)),),
            tools=(ToolSpec(name="agor_whoami", description="Who?", parameters={"type": "object"}),),
        )
        connection = Recorder(spec)
        await connection.open()
        command = "/review " if name == "review" else ""
        await connection.prompt(TaskId("task_1"), f"{command}SCRIPT:{name}", ())
        async for update in connection.updates():
            if isinstance(update, TurnEnded):
                break
            if isinstance(update, PermissionRequest):
                answers = {question.question: "red" for question in update.questions}
                decision = Decision(outcome="selected", option_id="allow_once", answers=answers)
                await connection.answer(update.request_id, decision)
        await connection.close()
    kept = [item for item in connection.heard if not _DROPPED.match(item["method"])]
    found: list[dict[str, Any]] = json.loads(_clean(json.dumps(kept), str(worktree)))
    return found


def _clean(text: str, worktree: str) -> str:
    """Replace what differs from run to run."""
    text = text.replace(worktree, WORKTREE)
    seen: dict[str, str] = {}
    text = _UUID.sub(lambda found: seen.setdefault(found[0], f"uuid-{len(seen)}"), text)
    text = re.sub(r"(?:msg|rs|call)_\w+", lambda found: seen.setdefault(found[0], f"id-{len(seen)}"), text)
    text = re.sub(r'"(\w*AtMs|duration\w*|startedAt|completedAt)": \d+', r'"\1": 1', text)
    text = re.sub(r"http://127\.0\.0\.1:\d+", "http://127.0.0.1", text)
    return re.sub(r'"processId": "\d+"', '"processId": "1"', text)


async def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in books():
            messages = await record(name, Path(folder).resolve())
            lines = "".join(json.dumps(message, ensure_ascii=False) + "\n" for message in messages)
            (GOLDEN / f"{name}.messages.jsonl").write_text(lines, encoding="utf-8")
            print(name, len(messages))


if __name__ == "__main__":
    asyncio.run(main())
