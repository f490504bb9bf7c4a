"""The mirror: transitions of work on the boards, and nothing of the stream."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from pycrdt import Map

from agor_jupyter.board.documents import BoardDocuments
from agor_jupyter.board.mirror import BoardMirror
from agor_jupyter.board.rows import MAX_CONTENT, inbox_of
from agor_jupyter.board.status import Status
from agor_jupyter.domain.board import Board
from agor_jupyter.domain.content import DiffContent, PermissionOption, Usage
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    Draft,
    PermissionRequest,
    PermissionResolved,
    QueueWaiting,
    SessionCreated,
    SessionEvent,
    SessionUpdated,
    TaskEnded,
    TaskQueued,
    TaskStarted,
    ToolCall,
)
from agor_jupyter.domain.ids import (
    BoardId,
    MessageId,
    RepoId,
    RequestId,
    SessionId,
    TaskId,
    ToolCallId,
    UserId,
    WorktreeId,
)
from agor_jupyter.domain.ports import Behind
from agor_jupyter.domain.repo import Repo, Worktree
from agor_jupyter.domain.session import Session
from agor_jupyter.store.facade import Store
from agor_jupyter.store.memory import open_memory
from tests.board.tables import eventually

OSCAR = UserId("oscar")
BOARD = Board(id=BoardId("board_0000000000000001"), name="One", owner=OSCAR, created_ms=1)
OTHER = Board(id=BoardId("board_0000000000000002"), name="Two", owner=OSCAR, created_ms=1)
REPO = Repo(
    id=RepoId("repo_0000000000000001"),
    name="proj",
    path="/p",
    default_branch="main",
    owner=OSCAR,
    created_ms=1,
)
TREE = Worktree(
    id=WorktreeId("wt_0000000000000001"),
    repo_id=REPO.id,
    name="fix",
    path="/w/fix",
    branch="fix",
    base="main",
    base_sha="0" * 40,
    board_id=BOARD.id,
    owner=OSCAR,
    created_ms=1,
)
SESSION = SessionId("ses_0000000000000001")
TASK = TaskId("task_0000000000000001")
REQUEST = RequestId("req_0000000000000001")
_times = itertools.count(1_000)


@dataclass
class Scene:
    """A store, its boards and the mirror that follows."""

    store: Store
    documents: BoardDocuments
    mirror: BoardMirror

    def status(self, board_id: str = BOARD.id) -> Status:
        status = self.documents.status(board_id)
        assert status is not None
        return status

    def bytes(self) -> int:
        return len(self.status().doc.get_update())

    async def say(self, *updates: Any, task: TaskId | None = TASK, session: SessionId = SESSION) -> None:
        drafts = [Draft(task_id=task, at_ms=next(_times), update=update) for update in updates]
        await self.store.log.append(session, drafts)

    async def begin(self) -> None:
        session = Session(
            id=SESSION,
            worktree_id=TREE.id,
            agent="demo",
            title="Fix it",
            owner=OSCAR,
            created_ms=1,
            updated_ms=1,
        )
        created = SessionCreated(by=OSCAR, agent="demo", title="Fix it", mode="ask")
        draft = Draft(at_ms=next(_times), update=created)
        await self.store.log.append(SESSION, [draft], create=session)

    async def wait_status(self, status: str) -> None:
        await eventually(lambda: (row := self.status().session(SESSION)) is not None and row.status == status)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    store = open_memory()
    for board in (BOARD, OTHER):
        await store.records.boards.put(board, by=OSCAR)
    await store.records.repos.put(REPO, by=OSCAR)
    await store.records.worktrees.put(TREE, by=OSCAR)
    documents = BoardDocuments(store.records)
    await documents.start()
    mirror = BoardMirror(store.log, store.records, documents)
    await mirror.start()
    yield Scene(store, documents, mirror)
    await mirror.close()
    await mirror.close()
    await documents.close()


def asked() -> PermissionRequest:
    return PermissionRequest(
        request_id=REQUEST,
        title="Run pytest",
        kind="execute",
        options=(PermissionOption(option_id="yes", name="Allow", kind="allow_once"),),
        digest="d",
    )


def chunk(text: str) -> AgentMessageChunk:
    return AgentMessageChunk(message_id=MessageId("m"), text=text)


def queued() -> TaskQueued:
    return TaskQueued(by=OSCAR, prompt="do it")


async def test_a_session_is_shown_from_its_beginning_to_its_end(scene: Scene) -> None:
    card = scene.status().worktree(TREE.id)
    assert card is not None and (card.repo, card.branch, card.state) == ("proj", "fix", "ready")
    await scene.begin()
    await scene.wait_status("idle")
    await scene.say(queued())
    await scene.wait_status("queued")
    await scene.say(TaskStarted(base_sha="0" * 40))
    await scene.wait_status("starting")
    await scene.say(chunk("Reading the test.\n"))
    await scene.wait_status("running")
    await scene.say(chunk("It fails because of a typo."), asked())
    await scene.wait_status("awaiting_permission")
    row = scene.status().session(SESSION)
    assert row is not None and row.last_words == "It fails because of a typo."
    assert scene.status().inbox()[REQUEST]["title"] == "Run pytest"
    assert scene.status().inbox()[REQUEST]["worktree_id"] == TREE.id
    await scene.say(PermissionResolved(request_id=REQUEST, outcome="selected", option_id="yes", by="oscar"))
    await scene.wait_status("running")
    assert scene.status().inbox() == {}
    ended = TaskEnded(
        stop_reason="end_turn", usage=Usage(input_tokens=5, output_tokens=7), files_changed=2, lines_added=9
    )
    await scene.say(chunk("\nDone."), ended)
    await scene.wait_status("idle")
    row, card = scene.status().session(SESSION), scene.status().worktree(TREE.id)
    assert row is not None and (row.last_words, row.tokens, row.queued) == ("Done.", 12, 0)
    assert card is not None and (card.files_changed, card.lines_added) == (2, 9)


async def test_a_row_says_what_a_queued_prompt_waits_for(scene: Scene) -> None:
    await scene.begin()
    await scene.say(queued())
    await scene.say(QueueWaiting(reason="20 sessions run already"), task=None)

    def waits() -> str | None:
        row = scene.status().session(SESSION)
        return row.waits if row is not None else None

    await eventually(lambda: waits() == "20 sessions run already")
    await scene.say(TaskStarted(base_sha="0" * 40))
    await eventually(lambda: waits() == "")


async def test_ten_thousand_chunks_leave_the_document_byte_for_byte_the_same(scene: Scene) -> None:
    """P8: no token enters a board's document."""
    await scene.begin()
    await scene.say(queued())
    await scene.say(TaskStarted(base_sha="0" * 40))
    await scene.say(chunk("begin"))
    await scene.wait_status("running")
    before = scene.status().doc.get_update()
    for _ in range(100):
        await scene.say(*[chunk("word ") for _ in range(100)])
    await scene.say(SessionUpdated(by=OSCAR, title="A new title"), task=None)
    await eventually(
        lambda: (row := scene.status().session(SESSION)) is not None and row.title == "A new title"
    )
    row = scene.status().session(SESSION)
    assert row is not None and row.last_words == ""
    assert len(scene.status().doc.get_update()) - len(before) < 400  # the title's own write


async def test_streaming_alone_writes_nothing(scene: Scene) -> None:
    await scene.begin()
    await scene.say(queued(), TaskStarted(base_sha="0" * 40), chunk("begin"))
    await scene.wait_status("running")
    before = scene.status().doc.get_update()
    wrote = []
    scene.status().doc.observe(lambda event: wrote.append(event))
    for _ in range(100):
        await scene.say(*[chunk("word ") for _ in range(100)])
    # The end of a task is the next thing that must be seen: so everything before it was heard.
    await scene.say(TaskEnded(stop_reason="end_turn"))
    await scene.wait_status("idle")
    assert len(wrote) == 1
    assert len(scene.status().doc.get_update()) - len(before) < 600


async def test_what_a_row_does_not_show_writes_nothing(scene: Scene) -> None:
    await scene.begin()
    await scene.say(queued(), TaskStarted(base_sha="0" * 40), chunk("begin"))
    await scene.wait_status("running")
    wrote = []
    scene.status().doc.observe(lambda event: wrote.append(event))
    for number in range(20):
        await scene.say(ToolCall(tool_call_id=ToolCallId(f"call_{number}"), title="Read"))
    await scene.say(TaskEnded(stop_reason="end_turn"))
    await scene.wait_status("idle")
    assert len(wrote) == 1


async def test_a_reader_that_was_behind_folds_again(scene: Scene) -> None:
    await scene.begin()
    await scene.wait_status("idle")
    await scene.mirror.close()
    await scene.say(queued(), TaskStarted(base_sha="0" * 40), chunk("begin"), asked())

    async def behind() -> AsyncIterator[Any]:
        yield Behind()

    await scene.mirror._follow(behind())
    row = scene.status().session(SESSION)
    assert row is not None and row.status == "awaiting_permission"
    assert list(scene.status().inbox()) == [REQUEST]


async def test_a_restart_shows_what_the_log_says_and_removes_the_rest(scene: Scene) -> None:
    await scene.begin()
    await scene.say(queued(), TaskStarted(base_sha="0" * 40), chunk("so far"), asked())
    await scene.wait_status("awaiting_permission")
    await scene.mirror.close()
    status = scene.status()
    status.doc.get("sessions", type=Map)["ses_ghost"] = "{}"
    status.doc.get("inbox", type=Map)["req_ghost"] = "{}"
    status.drop_inbox(REQUEST)
    again = BoardMirror(scene.store.log, scene.store.records, scene.documents)
    await again.start()
    assert status.session_ids() == {SESSION}
    assert list(status.inbox()) == [REQUEST]
    before = status.doc.get_state()
    await again.refold()
    assert status.doc.get_state() == before
    await again.close()


async def test_a_task_that_ends_withdraws_what_it_asked(scene: Scene) -> None:
    await scene.begin()
    await scene.say(queued(), TaskStarted(base_sha="0" * 40), asked())
    await eventually(lambda: list(scene.status().inbox()) == [REQUEST])
    await scene.say(TaskEnded(stop_reason="lost", error="The runner is gone."))
    await scene.wait_status("lost")
    assert scene.status().inbox() == {}


async def test_an_archived_session_and_a_moved_worktree_leave_the_board(scene: Scene) -> None:
    await scene.begin()
    await scene.wait_status("idle")
    await scene.store.records.worktrees.put(TREE.model_copy(update={"board_id": OTHER.id}), by=OSCAR)
    await eventually(lambda: scene.status(OTHER.id).session(SESSION) is not None)
    assert scene.status().worktree_ids() == set() and scene.status().session_ids() == set()
    await scene.say(SessionUpdated(by=OSCAR, archived=True), task=None)
    await eventually(lambda: scene.status(OTHER.id).session_ids() == set())
    await scene.store.records.worktrees.put(
        TREE.model_copy(update={"board_id": OTHER.id, "state": "archived"}), by=OSCAR
    )
    await eventually(lambda: scene.status(OTHER.id).worktree_ids() == set())


async def test_what_git_says_is_shown_when_asked(scene: Scene) -> None:
    scene.mirror.show_changes(TREE.id, 4, 10, 2)
    card = scene.status().worktree(TREE.id)
    assert card is not None and (card.files_changed, card.lines_added, card.lines_removed) == (4, 10, 2)
    await scene.store.records.worktrees.put(TREE.model_copy(update={"issue_url": "u"}), by=OSCAR)
    await eventually(lambda: (card := scene.status().worktree(TREE.id)) is not None and card.issue_url == "u")
    card = scene.status().worktree(TREE.id)
    assert card is not None and card.files_changed == 4


async def test_a_failure_is_reported_and_mended(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("agor_jupyter.board.mirror.RETRY_SECONDS", 0.01)
    broken = [True]
    real = Status.put_session

    def put_session(self: Status, row: Any) -> bool:
        if broken.pop() if broken else False:
            raise RuntimeError("torn")
        return real(self, row)

    monkeypatch.setattr(Status, "put_session", put_session)
    await scene.begin()
    await scene.wait_status("idle")
    assert "folding it from the log again" in caplog.text


def test_half_a_diff_is_never_shown_as_the_whole() -> None:
    small = DiffContent(path="a.py", old_text="a", new_text="b")
    large = DiffContent(path="b.py", new_text="x" * (MAX_CONTENT + 1))
    request = asked().model_copy(update={"content": (small, large), "title": "t" * 20_000})
    event = SessionEvent(seq=1, session_id=SESSION, task_id=TASK, at_ms=1, update=request)
    item = inbox_of(event, request, TREE.id)
    assert item.content[0] == small
    assert item.content[1].type == "text" and item.content[1].truncated > MAX_CONTENT
    assert len(item.title) < 9_000


def test_a_command_is_shown_and_not_only_its_title() -> None:
    request = asked().model_copy(
        update={"kind": "execute", "content": (), "title": "List the files", "input": {"command": "rm -rf /"}}
    )
    event = SessionEvent(seq=1, session_id=SESSION, task_id=TASK, at_ms=1, update=request)
    assert [each.text for each in inbox_of(event, request, TREE.id).content] == ["rm -rf /"]  # type: ignore[union-attr]  # a text
