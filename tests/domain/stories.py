"""Event stories that both reducers must tell alike: written here, frozen in `tests/golden/events`.

`python tests/domain/stories.py` writes the golden files anew; look at the difference before it is
committed, because the front end is held to it too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from agor_jupyter.domain.blocks import TaskContent, apply_block
from agor_jupyter.domain.content import (
    Attachment,
    Checkpoint,
    DiffContent,
    PermissionOption,
    PlanEntry,
    SlashCommand,
    TextContent,
    ToolLocation,
    Usage,
)
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentReady,
    AgentThoughtChunk,
    EffortChanged,
    InterruptRequested,
    ModeChanged,
    Notice,
    PermissionRequest,
    PermissionResolved,
    Plan,
    QueuePaused,
    QueueResumed,
    QueueWaiting,
    SessionCreated,
    SessionEvent,
    SessionUpdate,
    SessionUpdated,
    Steered,
    TaskEnded,
    TaskQueued,
    TaskRemoved,
    TaskStarted,
    TaskUpdated,
    ToolCall,
    ToolCallUpdate,
    UsageUpdate,
)
from agor_jupyter.domain.ids import MessageId, RequestId, SessionId, TaskId, ToolCallId, UserId, WorktreeId
from agor_jupyter.domain.session import ForkOrigin, ForkPoint, Session, Task
from agor_jupyter.domain.snapshot import apply
from agor_jupyter.domain.tasks import apply_task

GOLDEN = Path(__file__).parent.parent / "golden" / "events"
SESSION = SessionId("ses_0000000000000001")
ONE, TWO, THREE = (TaskId(f"task_000000000000000{n}") for n in (1, 2, 3))
ANN = UserId("ann")
M1, M2 = MessageId("m1"), MessageId("m2")
CALL = ToolCallId("call1")
REQUEST = RequestId("req_0000000000000001")

Said = tuple[SessionUpdate, TaskId | None]


def blank() -> Session:
    return Session(
        id=SESSION,
        worktree_id=WorktreeId("wt_0000000000000001"),
        agent="demo",
        title="Mend the mean",
        owner=ANN,
        created_ms=1000,
        updated_ms=1000,
    )


def forked() -> Session:
    parent = SessionId("ses_0000000000000009")
    point, origin = ForkPoint(native_ref="native-0", worktree="/w"), ForkOrigin(task_id=THREE)
    return blank().model_copy(
        update={"parent_id": parent, "genealogy": "fork", "fork": point, "origin": origin}
    )


def opening(task: TaskId = ONE) -> list[Said]:
    made = SessionCreated(by=ANN, agent="demo", title="Mend the mean", mode="ask")
    ready = AgentReady(native_ref="native-1", version="1", model="demo-1")
    return [
        (made, None),
        (TaskQueued(by=ANN, prompt="mend it"), task),
        (TaskStarted(base_sha="aaa"), task),
        (ready, task),
    ]


def asking() -> list[Said]:
    options = (
        PermissionOption(option_id="allow", name="Allow once", kind="allow_once"),
        PermissionOption(option_id="reject", name="Reject", kind="reject_once"),
    )
    request = PermissionRequest(
        request_id=REQUEST,
        tool_call_id=CALL,
        title="Edit summary.py",
        kind="edit",
        locations=(ToolLocation(path="summary.py", line=3),),
        content=(DiffContent(path="summary.py", old_text="a", new_text="b"),),
        options=options,
        digest="d" * 64,
    )
    call = ToolCall(tool_call_id=CALL, title="Edit summary.py", kind="edit", input={"path": "summary.py"})
    return [(call, ONE), (request, ONE)]


def working() -> list[Said]:
    resolved = PermissionResolved(request_id=REQUEST, outcome="selected", option_id="allow", by="ann")
    diff = DiffContent(path="summary.py", old_text="a", new_text="b")
    done = ToolCallUpdate(tool_call_id=CALL, status="completed", content=(diff,))
    plan = Plan(entries=(PlanEntry(content="read"), PlanEntry(content="mend", status="in_progress")))
    ended = TaskEnded(
        stop_reason="end_turn",
        usage=Usage(input_tokens=100, output_tokens=20, cost_usd=0.5),
        head_sha="bbb",
        checkpoint=Checkpoint(ref="refs/agor/x", sha="ccc", head_sha="bbb"),
        files_changed=1,
        lines_added=2,
        lines_removed=1,
    )
    return [
        *opening(),
        (AgentThoughtChunk(message_id=M1, text="Let me "), ONE),
        (AgentThoughtChunk(message_id=M1, text="look."), ONE),
        (plan, ONE),
        (AgentMessageChunk(message_id=M2, text="I will mend\nthe "), ONE),
        (AgentMessageChunk(message_id=M2, text="mean.\n"), ONE),
        *asking(),
        (resolved, ONE),
        (ToolCallUpdate(tool_call_id=CALL, status="in_progress"), ONE),
        (done, ONE),
        (AgentMessageChunk(message_id=M2, text="Done."), ONE),
        (UsageUpdate(usage=Usage(input_tokens=100), context_used=120, context_size=1000), ONE),
        (ended, ONE),
    ]


def terminal() -> list[Said]:
    run = ToolCall(tool_call_id=CALL, title="python -m unittest", kind="execute", status="in_progress")
    return [
        *opening(),
        (run, ONE),
        (ToolCallUpdate(tool_call_id=CALL, output_delta="one\n"), ONE),
        (ToolCallUpdate(tool_call_id=CALL, output_delta="two\n"), ONE),
        (ToolCallUpdate(tool_call_id=ToolCallId("other"), status="failed"), ONE),
        (ToolCallUpdate(tool_call_id=CALL, status="failed", content=(TextContent(text="exit 1"),)), ONE),
        (Notice(level="warning", text="The test failed."), ONE),
    ]


def queueing() -> list[Said]:
    return [
        *opening(),
        (TaskQueued(by=ANN, prompt="second"), TWO),
        (TaskQueued(by=ANN, prompt="third"), THREE),
        (TaskUpdated(by=ANN, place=0), THREE),
        (TaskUpdated(by=ANN, prompt="second, edited"), TWO),
        (TaskRemoved(by=ANN), THREE),
        (InterruptRequested(by=ANN), ONE),
        (TaskEnded(stop_reason="cancelled"), ONE),
        (QueuePaused(reason="The task was stopped."), None),
        (QueueResumed(by=ANN), None),
        (TaskStarted(base_sha="bbb"), TWO),
        (TaskEnded(stop_reason="failed", error="529", hint="Try again."), TWO),
        (ModeChanged(mode="plan", by="ann"), None),
        (SessionUpdated(by=ANN, title="New", archived=True), None),
    ]


def put_away() -> list[Said]:
    """The end is said first; what stops after it brings the session not back."""
    withdrawn = PermissionResolved(request_id=REQUEST, outcome="cancelled", by="agent")
    return [
        *opening(),
        *asking(),
        (SessionUpdated(by=ANN, archived=True), None),
        (InterruptRequested(by=ANN), ONE),
        (withdrawn, ONE),
        (TaskEnded(stop_reason="cancelled"), ONE),
    ]


def asked_apart() -> list[Said]:
    """It asks for what it left in the background: twice, and rests when both are answered."""
    _, (request, _) = asking()
    assert isinstance(request, PermissionRequest)
    other = RequestId("req_0000000000000002")
    answered = PermissionResolved(request_id=REQUEST, outcome="selected", option_id="allow", by="ann")
    return [
        *opening(),
        (TaskEnded(stop_reason="cancelled"), ONE),
        (request, None),
        (request.model_copy(update={"request_id": other}), None),
        (answered, None),
        (answered.model_copy(update={"request_id": other}), None),
    ]


def named_alike() -> list[Said]:
    """An agent names a call as the house names a request, and says what it does now."""
    call = ToolCall(tool_call_id=ToolCallId(REQUEST), title="Edit summary.py", kind="edit")
    answered = PermissionResolved(request_id=REQUEST, outcome="selected", option_id="allow", by="ann")
    return [
        *opening(),
        *asking(),
        (call, ONE),
        (answered, ONE),
        (SessionUpdated(by=ANN, status_line="Running the tests"), None),
        (SessionUpdated(by=ANN, title="Mend it"), None),
    ]


def waiting() -> list[Said]:
    """It waits for two reasons, since the first; then it starts, waits again and is let go of."""
    made = SessionCreated(by=ANN, agent="demo", title="Mend the mean", mode="ask")
    return [
        (made, None),
        (TaskQueued(by=ANN, prompt="mend it"), ONE),
        (QueueWaiting(reason="20 sessions run already"), None),
        (QueueWaiting(reason="ann has 3 sessions that run"), None),
        (TaskStarted(base_sha="aaa"), ONE),
        (TaskEnded(stop_reason="end_turn"), ONE),
        (TaskQueued(by=ANN, prompt="go on"), TWO),
        (QueueWaiting(reason="20 sessions run already"), None),
        (TaskRemoved(by=ANN), TWO),
    ]


def waiting_on() -> list[Said]:
    return waiting()[:-1]


def held() -> list[Said]:
    made = SessionCreated(by=ANN, agent="demo", title="Mend the mean", mode="ask")
    return [
        (made, None),
        (TaskQueued(by=ANN, prompt="mend it"), ONE),
        (QueuePaused(reason="The worktree is missing.", hint="Restore it."), None),
    ]


def words(task: TaskId) -> list[Said]:
    call = ToolCall(tool_call_id=CALL, title="Read", kind="read", input={})
    return [
        (AgentMessageChunk(message_id=M1, text="I read it."), task),
        (call, task),
        (AgentMessageChunk(message_id=M2, text="Done."), task),
    ]


def apart() -> list[Said]:
    """What is said before a tool and in another task is no part of the last words."""
    queued = (TaskQueued(by=ANN, prompt="again"), TWO)
    ended = (TaskEnded(stop_reason="end_turn"), ONE)
    return [*opening(), *words(ONE), ended, queued, (TaskStarted(base_sha="aaa"), TWO), *words(TWO)]


def held_longer() -> list[Said]:
    return [*held(), (TaskQueued(by=ANN, prompt="and then"), TWO)]


def let_go() -> list[Said]:
    removed = TaskRemoved(by=ANN)
    return [*held_longer(), (removed, ONE), (removed, TWO), (TaskQueued(by=ANN, prompt="anew"), THREE)]


def steered() -> list[Said]:
    """Two people without names of their own: only `by_name` tells them apart."""
    note = Attachment(name="note.txt", media_type="text/plain", data="x")
    words = Steered(by=ANN, by_name="Ann A.", text="Mind the empty list.", attachments=(note,))
    return [
        (SessionCreated(by=ANN, by_name="Ann A.", agent="demo", title="Mend the mean", mode="ask"), None),
        (TaskQueued(by=ANN, by_name="Bea B.", prompt="mend it", attachments=(note,)), ONE),
        (TaskStarted(base_sha="aaa"), ONE),
        (AgentReady(native_ref="native-1", efforts=("low", "high"), tool_servers={"a": "", "b": ""}), ONE),
        (Notice(level="warning", text="b is not there.", tool_servers=("b", "other")), ONE),
        (AgentMessageChunk(message_id=M1, text="I mend it."), ONE),
        (words, ONE),
        (AgentMessageChunk(message_id=M1, text="I mind it."), ONE),
        (EffortChanged(effort="high", by=ANN, by_name="Bea B."), None),
    ]


def offered() -> list[Said]:
    """What the agent offers is kept, and told again when it changes in mid-session."""
    compact = SlashCommand(name="compact", description="Sum up what was said", hint="[what to keep]")
    ready = AgentReady(
        native_ref="native-1",
        model="big",
        models=("big", "small"),
        model_labels={"big": "Big 3"},
        efforts=("low", "high"),
        commands=(compact,),
        unable=("images",),
    )
    notes = SlashCommand(name="notes")
    return [
        *opening(),
        (ready, ONE),
        (ready.model_copy(update={"model": "small", "efforts": ("low",), "commands": (compact, notes)}), ONE),
    ]


def replayed() -> list[Said]:
    """A fork that its agent would not branch off: from then on it is one with a transcript."""
    ready = AgentReady(native_ref="native-1", unable=("fork",))
    return [
        (SessionCreated(by=ANN, agent="demo", title="Mend the mean (fork)", mode="ask"), None),
        (TaskQueued(by=ANN, prompt="mend it"), ONE),
        (TaskStarted(base_sha="aaa"), ONE),
        (SessionUpdated(by=UserId("engine"), replayed=True), None),
        (ready, ONE),
    ]


STORIES: dict[str, Callable[[], list[Said]]] = {
    "apart": apart,
    "asked_apart": asked_apart,
    "named_alike": named_alike,
    "working": working,
    "asking": lambda: [*opening(), *asking()],
    "terminal": terminal,
    "queueing": queueing,
    "waiting": waiting,
    "waiting_on": waiting_on,
    "held": held,
    "held_longer": held_longer,
    "let_go": let_go,
    "steered": steered,
    "put_away": put_away,
    "offered": offered,
    "replayed": replayed,
    "lost": lambda: [
        *opening(),
        *asking(),
        (TaskEnded(stop_reason="lost", error="gone", hint="Resume."), ONE),
    ],
}


def tell(said: list[Said]) -> dict[str, object]:
    """Fold a story and give what a golden file holds."""
    is_fork = any(isinstance(update, SessionUpdated) and update.replayed for update, _ in said)
    first = session = forked() if is_fork else blank()
    tasks: dict[str, Task | None] = {}
    contents: dict[str, TaskContent] = {}
    events = []
    for number, (update, task_id) in enumerate(said, start=1):
        event = SessionEvent(
            seq=number, session_id=SESSION, task_id=task_id, at_ms=1000 + number * 10, update=update
        )
        events.append(event)
        session = apply(session, event)
        if task_id is not None:
            tasks[task_id] = apply_task(tasks.get(task_id), event)
            contents[task_id] = apply_block(contents.get(task_id, TaskContent()), event)
    return {
        "before": first.model_dump(mode="json"),
        "events": [event.model_dump(mode="json") for event in events],
        "after": {
            "session": session.model_dump(mode="json"),
            "tasks": {name: task.model_dump(mode="json") for name, task in tasks.items() if task},
            "content": {name: content.model_dump(mode="json") for name, content in contents.items()},
        },
    }


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for name, story in STORIES.items():
        text = json.dumps(tell(story()), indent=1, ensure_ascii=False) + "\n"
        (GOLDEN / f"{name}.json").write_text(text, encoding="utf-8")
