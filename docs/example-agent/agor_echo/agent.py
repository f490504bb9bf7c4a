"""An agent that says back what it is told, line by line.

`write NAME "text"` writes a file of the worktree, `recall` says the prompts before, `# …` nothing.
"""

import asyncio
import hashlib
import json
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

from agor_jupyter.agents.base import Decision, SessionSpec, ToolCaller
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.domain import content
from agor_jupyter.domain import events as told
from agor_jupyter.domain.errors import Conflict, UnsupportedByAgent
from agor_jupyter.domain.ids import MessageId, RequestId, TaskId, ToolCallId

OPTIONS = (
    content.PermissionOption(option_id="allow", name="Allow", kind="allow_once"),
    content.PermissionOption(option_id="reject", name="Reject", kind="reject_once"),
)


class EchoAdapter:  # see `agor_jupyter.agents.base.AgentAdapter`
    def __init__(self) -> None:
        self._outbox = Outbox()
        self._prompts: list[str] = []
        self._asked: dict[RequestId, asyncio.Future[Decision]] = {}
        self._turn: asyncio.Task[None] | None = None

    def use_tools(self, call: ToolCaller) -> None: ...  # it has no use for the house's tools

    async def start(self, spec: SessionSpec) -> None:
        self._worktree = Path(spec.worktree).resolve()
        reference = spec.native_ref or secrets.token_hex(8)
        self._memory = Path(spec.state_dir) / f"{reference}.json"
        if spec.native_ref:
            self._prompts = json.loads(await asyncio.to_thread(self._memory.read_text, "utf-8"))
        self._outbox.put(told.AgentReady(native_ref=reference, version="1.0"))

    async def prompt(self, task_id: TaskId, text: str, attachments: tuple[content.Attachment, ...]) -> None:
        if self._turn is not None and not self._turn.done():
            raise Conflict("Echo is at work on another prompt.")
        before, self._prompts = self._prompts, [*self._prompts, text]
        # First of all: a kill in mid-turn must not make it forget what it was asked.
        await asyncio.to_thread(self._memory.write_text, json.dumps(self._prompts), "utf-8")
        self._turn = asyncio.create_task(self._play(text, before))
        await asyncio.sleep(0)  # it has begun: stopped before that, it could not say how it ended

    async def _play(self, text: str, before: list[str]) -> None:
        """Play one turn. However it goes, it ends with one `turn_ended`."""
        self._said = 0
        end = told.TurnEnded(stop_reason="end_turn")
        try:
            for line in text.splitlines(keepends=True):
                if line.startswith("write "):
                    await self._write(*line.removeprefix("write ").split(" ", 1))
                elif not line.startswith("#"):
                    await self._say("\n".join(before) if line.strip() == "recall" else line)
        except asyncio.CancelledError:
            end = told.TurnEnded(stop_reason="cancelled")
        except (OSError, ValueError) as error:
            end = told.TurnEnded(stop_reason="failed", error=str(error))
        self._outbox.put(end.model_copy(update={"usage": content.Usage(output_tokens=self._said)}))

    async def _say(self, text: str) -> None:
        for word in re.findall(r"\S+\s*|\s+", text):
            self._outbox.put(
                told.AgentMessageChunk(message_id=MessageId(f"m{len(self._prompts)}"), text=word)
            )
            self._said += 1
            await asyncio.sleep(0.01)

    async def _write(self, name: str, quoted: str) -> None:
        """Ask first, whatever the session's mode is: the runner answers what the mode allows."""
        path, text = (self._worktree / name).resolve(), str(json.loads(quoted))
        if not path.is_relative_to(self._worktree):
            raise ValueError(f"{name} is outside the worktree.")
        diff = content.DiffContent(path=str(path), new_text=text)
        call, request = ToolCallId(secrets.token_hex(8)), RequestId(f"req_{secrets.token_hex(8)}")
        places = (content.ToolLocation(path=str(path)),)
        title, digest = f"Write {name}", hashlib.sha256(f"write {path} {text}".encode()).hexdigest()
        answer = self._asked[request] = asyncio.get_running_loop().create_future()
        self._outbox.put(told.ToolCall(tool_call_id=call, title=title, kind="edit", locations=places))
        ask = told.PermissionRequest(request_id=request, title=title, kind="edit", digest=digest)
        more = {"tool_call_id": call, "locations": places, "content": (diff,), "options": OPTIONS}
        self._outbox.put(ask.model_copy(update=more))
        if (decision := await answer).option_id == "allow":
            path.write_text(text, "utf-8")
            self._outbox.put(told.ToolCallUpdate(tool_call_id=call, status="completed", content=(diff,)))
        else:
            said = (content.TextContent(text=f"Rejected. {decision.message}"),)
            self._outbox.put(told.ToolCallUpdate(tool_call_id=call, status="failed", content=said))

    async def answer(self, request_id: RequestId, decision: Decision) -> None:
        if (waiting := self._asked.pop(request_id, None)) is not None and not waiting.done():
            waiting.set_result(decision)

    async def interrupt(self) -> None:
        if self._turn is not None and not self._turn.done():
            self._turn.cancel()
            await asyncio.gather(self._turn, return_exceptions=True)

    async def set_mode(self, mode: content.Mode) -> None:
        """It asks for every file; the runner answers by the mode."""

    async def _refuse(self, *arguments: object) -> None:
        raise UnsupportedByAgent("echo", "this", hint="Its capabilities say so; so it is never called.")

    steer = set_model = set_effort = _refuse

    def events(self) -> AsyncIterator[told.AgentUpdate]:
        return self._outbox.read()

    async def close(self) -> None:
        await self.interrupt()
        self._outbox.end()
