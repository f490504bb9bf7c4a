"""A session told through a log in memory, for whoever draws it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agor_jupyter.domain.content import (
    Checkpoint,
    DiffContent,
    PermissionOption,
    PlanEntry,
    TerminalContent,
    Usage,
)
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentReady,
    AgentThoughtChunk,
    Draft,
    Notice,
    PermissionRequest,
    PermissionResolved,
    Plan,
    SessionCreated,
    SessionUpdated,
    TaskEnded,
    TaskQueued,
    TaskStarted,
    ToolCall,
    ToolCallUpdate,
)
from agor_jupyter.domain.ids import MessageId, RequestId, SessionId, TaskId, ToolCallId, UserId, WorktreeId
from agor_jupyter.domain.repo import Worktree
from agor_jupyter.domain.session import Session
from agor_jupyter.store.facade import Store

SES = SessionId("ses_aaaaaaaa1234abcd")
WT = WorktreeId("wt_aaaaaaaa1234abcd")
ANN = UserId("ann")


def task_id(number: int) -> TaskId:
    return TaskId(f"task_{number:016d}")


def worktree() -> Worktree:
    return Worktree(
        id=WT, repo_id="repo_aaaaaaaa1234abcd", name="fix-parser", path="/x", branch="agor/fix-parser",
        base="main", base_sha="b" * 40, owner=ANN, created_ms=1,
    )  # fmt: skip


async def worktree_of(_: WorktreeId) -> Worktree | None:
    return worktree()


class Story:
    """Appends what an agent says, with a clock that counts by seconds."""

    def __init__(self, store: Store, session_id: SessionId = SES) -> None:
        self.store, self.id, self.now, self.task = store, session_id, 1_000_000, task_id(0)

    async def say(self, *updates: Any) -> None:
        drafts = []
        for update in updates:
            self.now += 1000
            own = isinstance(update, SessionCreated | SessionUpdated)
            drafts.append(Draft(task_id=None if own else self.task, at_ms=self.now, update=update))
        await self.store.log.append(self.id, drafts)

    async def begin(self, title: str = "Fix the parser") -> Story:
        session = Session(
            id=self.id, worktree_id=WT, agent="demo", title=title, owner=ANN, created_ms=1, updated_ms=1
        )
        created = SessionCreated(by=ANN, agent="demo", title=title, mode="ask")
        await self.store.log.append(self.id, [Draft(at_ms=1, update=created)], create=session)
        return self

    async def prompt(self, number: int, text: str = "Make it pass") -> None:
        self.task = task_id(number)
        await self.say(TaskQueued(by=ANN, prompt=text))

    async def start(self) -> None:
        at = Checkpoint(ref=f"refs/agor/{self.id}/{self.task}-start", sha="5" * 40, head_sha="b" * 40)
        await self.say(TaskStarted(base_sha="b" * 40, checkpoint=at), AgentReady(native_ref="native-1"))

    async def words(self, text: str, message: str = "m1") -> None:
        await self.say(AgentMessageChunk(message_id=MessageId(message), text=text))

    async def tool(self, name: str = "t1", output: str = "2 passed", *, end: bool = True) -> None:
        call = ToolCallId(f"{self.task}-{name}")
        await self.say(
            ToolCall(
                tool_call_id=call, title="Run the tests", kind="execute", input={"command": "pytest -q"}
            ),
            ToolCallUpdate(tool_call_id=call, status="in_progress", output_delta=output),
        )
        if end:
            content = (TerminalContent(text=output, exit_code=0),)
            await self.say(ToolCallUpdate(tool_call_id=call, status="completed", content=content))

    async def edit(self, old: str, new: str) -> None:
        call = ToolCallId(f"{self.task}-edit")
        diff = DiffContent(path="parser.py", old_text=old, new_text=new)
        await self.say(
            ToolCall(tool_call_id=call, title="Edit parser.py", kind="edit", input={"path": "parser.py"}),
            ToolCallUpdate(tool_call_id=call, status="completed", content=(diff,)),
        )

    async def ask(self, request: str = "req_aaaaaaaa1234abcd") -> None:
        options = (
            PermissionOption(option_id="yes", name="Allow once", kind="allow_once"),
            PermissionOption(option_id="no", name="Reject", kind="reject_once"),
        )
        await self.say(
            PermissionRequest(
                request_id=RequestId(request), title="Write parser.py", options=options, digest="d"
            )
        )

    async def answer(
        self, option: str = "yes", message: str = "", request: str = "req_aaaaaaaa1234abcd"
    ) -> None:
        await self.say(
            PermissionResolved(
                request_id=RequestId(request), outcome="selected", option_id=option, by="bea", message=message
            )
        )

    async def end(self, reason: str = "end_turn", **more: Any) -> None:
        at = Checkpoint(ref=f"refs/agor/{self.id}/{self.task}-end", sha="e" * 40, head_sha="b" * 40)
        usage = Usage(input_tokens=12000, output_tokens=900, cost_usd=0.0412)
        given = {"usage": usage, "checkpoint": at, "last_message_ref": f"ref-{self.task}", **more}
        await self.say(
            TaskEnded(stop_reason=reason, files_changed=1, lines_added=3, lines_removed=1, **given)
        )

    async def whole(self, number: int, text: str = "Make it pass", answer: str = "Done.") -> None:
        """Tell a turn of everything, from the prompt to the end."""
        await self.prompt(number, text)
        await self.start()
        await self.say(AgentThoughtChunk(message_id=MessageId("th"), text="Let me look."))
        await self.tool()
        await self.ask(f"req_{number:016d}")
        await self.answer(request=f"req_{number:016d}", message="go on")
        await self.edit("def f():\n    return 1\n", "def f():\n    return 2\n")
        await self.say(Notice(text="The context is nearly full.", level="warning"))
        await self.say(
            Plan(entries=(PlanEntry(content="read", status="completed"), PlanEntry(content="fix")))
        )
        await self.words(answer)
        await self.end()


def cells_of(path: Path) -> list[dict[str, Any]]:
    from agor_jupyter.transcripts.sink import read_file

    notebook = read_file(path)
    return [] if notebook is None else notebook["cells"]
