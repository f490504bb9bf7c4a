"""The tools of the house: what they give, to whom, and how little they can do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.domain.conversation import LIMIT, conversation
from agor_jupyter.domain.events import AgentMessageChunk, SessionEvent, TaskQueued, ToolCall
from agor_jupyter.domain.ids import MessageId, SessionId, TaskId, ToolCallId, UserId
from agor_jupyter.domain.user import Role
from agor_jupyter.mcp import tools
from agor_jupyter.mcp.tools import TOOLS, Caller
from agor_jupyter.service import boards, repos, sessions, worktrees
from agor_jupyter.service.requests import AddRepo, CreateBoard, CreateSession, CreateWorktree
from agor_jupyter.testing.house import TestHouse, actor, open_house
from tests.making import make_repo

DOCS = Path(__file__).resolve().parents[2] / "docs" / "mcp.md"


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[TestHouse]:
    found = open_house(tmp_path)
    yield found
    await found.close()


async def begin(made: TestHouse, folder: Path) -> SessionId:
    """Make one of everything, by mona."""
    mona, house = actor("mona"), made.house
    board = await boards.create(house, mona, CreateBoard(name="B"))
    repo = await repos.add(house, mona, AddRepo(path=str(make_repo(folder / "root", "proj"))))
    tree = await worktrees.create(house, mona, CreateWorktree(repo_id=repo.id, name="one", board_id=board.id))
    session = await sessions.create(
        house, mona, CreateSession(worktree_id=tree.id, agent="demo", title="T", prompt="Mend it")
    )
    await made.work.start(session.id)
    await made.work.say(session.id, "I look ", "at it.")
    return session.id


async def use(
    made: TestHouse, name: str, session_id: SessionId | None, role: Role = "member", **arguments: Any
) -> Any:
    caller = Caller(actor("mona", role), session_id)
    answer = await tools.call(made.house, caller, name, arguments)
    assert not answer.failed, answer.text
    return json.loads(answer.text)


async def test_a_place_beyond_all_numbers_is_refused_in_words(made: TestHouse, tmp_path: Path) -> None:
    caller = Caller(actor("mona"), await begin(made, tmp_path))
    answer = await tools.call(made.house, caller, "agor_read_session", {"before_seq": 2**70})
    assert answer.failed and "before_seq" in answer.text


async def test_an_agent_learns_where_it_is(made: TestHouse, tmp_path: Path) -> None:
    session_id = await begin(made, tmp_path)
    found = await use(made, "agor_whoami", session_id)
    assert found["session_id"] == session_id
    assert (found["worktree"]["name"], found["branch"], found["works_for"]) == ("one", "one", "Mona")
    assert (await use(made, "agor_whoami", None))["person"] == "Mona"


async def test_everything_can_be_read(made: TestHouse, tmp_path: Path) -> None:
    session_id = await begin(made, tmp_path)
    (listed,) = (await use(made, "agor_list_sessions", session_id, "viewer"))["sessions"]
    assert listed["id"] == session_id
    read = await use(made, "agor_read_session", session_id, "viewer")
    assert read["conversation"] == "mona: Mend it\n\nAgent: I look at it."
    (tree,) = (await use(made, "agor_list_worktrees", None, "viewer"))["worktrees"]
    assert (await use(made, "agor_read_worktree", None, "viewer", worktree_id=tree["id"]))["status"]
    (board,) = (await use(made, "agor_list_boards", None, "viewer"))["boards"]
    (card,) = (await use(made, "agor_read_board", None, "viewer", board_id=board["id"]))["cards"]
    assert card["sessions"][0]["id"] == session_id


async def test_a_status_line_is_shown_and_is_ones_own(made: TestHouse, tmp_path: Path) -> None:
    session_id = await begin(made, tmp_path)
    await use(made, "agor_set_status", session_id, text="Running the tests")
    record = await made.house.log.session(session_id)
    assert record is not None and record.status_line == "Running the tests"
    outside = Caller(actor("mona"), None)
    refused = await tools.call(made.house, outside, "agor_set_status", {"text": "x"})
    assert refused.failed and "no tool" in refused.text
    other = Caller(actor("robin"), session_id)
    assert (await tools.call(made.house, other, "agor_set_status", {"text": "x"})).failed
    asked = {"text": "x", "session_id": "ses_0000000000000000"}
    assert (await tools.call(made.house, Caller(actor("mona"), session_id), "agor_set_status", asked)).failed


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("agor_delete_everything", {}, "no tool"),
        ("agor_read_session", {"session_id": "ses_0000000000000000"}, "no session"),
        ("agor_read_session", {"session_id": 7}, "session_id"),
        ("agor_whoami", {"surplus": 1}, "surplus"),
        ("agor_read_worktree", {}, "worktree_id"),
        ("agor_set_status", {"text": "x" * 200}, "text"),
    ],
)
async def test_what_was_wrong_is_said(
    made: TestHouse, tmp_path: Path, name: str, arguments: dict[str, Any], says: str
) -> None:
    session_id = await begin(made, tmp_path)
    answer = await tools.call(made.house, Caller(actor("mona"), session_id), name, arguments)
    assert answer.failed
    assert says in answer.text


async def standing(made: TestHouse) -> dict[str, object]:
    """Give all that a tool might change, but for status lines."""
    house = made.house
    listed = (await house.log.sessions(archived=None)).items
    return {
        "sessions": {
            item.id: item.model_copy(update={"status_line": "", "last_seq": 0, "updated_ms": 0})
            for item in listed
        },
        "tasks": [(await house.log.tasks(item.id)).items for item in listed],
        "asked": [request.update for request in await house.log.pending()],
        "workspace": await house.log.read_workspace(),
        "worktrees": (await house.records.worktrees.list()).items,
        "boards": (await house.records.boards.list()).items,
        "repos": (await house.records.repos.list()).items,
    }


def every_call(known: dict[str, list[str]]) -> list[tuple[str, dict[str, Any]]]:
    """Make calls of every tool: with each of its parameters, with ids of all that is there, and with more."""
    calls: list[tuple[str, dict[str, Any]]] = []
    for tool in TOOLS:
        calls.append((tool.name, {}))
        for name in tool.params.model_fields:
            values = [*known.get(name, []), "x", 1, ["x"], None]
            calls += [(tool.name, {name: value}) for value in values]
        for surplus in ("session_id", "request_id", "by", "prompt", "option_id", "user", "owner"):
            calls.append((tool.name, {surplus: next(iter(known.get(surplus, ["x"])))}))
    for name in ("agor_prompt_session", "agor_answer_permission", "agor_delete_worktree", "agor_stop"):
        calls.append((name, {"session_id": known["session_id"][0]}))
    return calls


async def test_no_tool_does_what_a_person_must_answer_for(made: TestHouse, tmp_path: Path) -> None:
    """A9: whatever another session or a repository tells an agent, it can prompt, approve, delete nothing."""
    session_id = await begin(made, tmp_path)
    await made.work.ask(session_id)
    first = (await made.house.log.sessions()).items[0]
    mine = await sessions.create(
        made.house, actor("robin"), CreateSession(worktree_id=first.worktree_id, agent="demo", title="Mine")
    )
    known = {
        "session_id": [session_id, mine.id],
        "worktree_id": [first.worktree_id],
        "board_id": [item.id for item in (await made.house.records.boards.list()).items],
        "request_id": [request.update.request_id for request in await made.house.log.pending()],
    }
    before = await standing(made)
    events = await made.house.log.read(session_id, limit=500)
    caller = Caller(actor("robin"), mine.id)
    calls = every_call(known)
    assert len(calls) > 60
    for name, arguments in calls:
        await tools.call(made.house, caller, name, arguments)
    assert await standing(made) == before
    assert await made.house.log.read(session_id, limit=500) == events, "of another session, nothing changes"
    own = [event.update.type for event in await made.house.log.read(mine.id, limit=500)]
    assert set(own) <= {"session_created", "session_updated"}, own


def test_a_long_conversation_is_given_in_parts() -> None:
    prompts = [TaskQueued(by=UserId("mona"), prompt=f"{seq} " + "x" * 9_000) for seq in range(1, 9)]
    events = [event(seq, prompt) for seq, prompt in enumerate(prompts, start=1)]
    text, first = conversation(events)
    assert len(text) <= LIMIT + 10
    assert text.startswith(f"mona: {first} ")
    assert "8 xxx" in text and first == 6
    assert conversation([]) == ("", 0)


def test_words_of_one_message_join_and_others_stand_apart() -> None:
    said = [
        event(1, AgentMessageChunk(message_id=MessageId("a"), text="One ")),
        event(2, AgentMessageChunk(message_id=MessageId("a"), text="two.")),
        event(3, ToolCall(tool_call_id=ToolCallId("t"), title="Read a.py")),
        event(4, AgentMessageChunk(message_id=MessageId("b"), text="Three.")),
    ]
    assert conversation(said)[0] == "Agent: One two.\n\n[Read a.py]\n\nAgent: Three."


def event(seq: int, update: Any) -> SessionEvent:
    return SessionEvent(seq=seq, session_id=SessionId("s"), task_id=TaskId("t"), at_ms=seq, update=update)


def test_every_tool_is_documented() -> None:
    text = DOCS.read_text("utf-8")
    assert [tool.name for tool in TOOLS if f"`{tool.name}`" not in text] == []


async def test_who_may_read_nothing_is_shown_nothing(made: TestHouse, tmp_path: Path) -> None:
    await begin(made, tmp_path)
    nobody = Caller(actor("mona").model_copy(update={"grants": frozenset()}))
    for name in ("agor_list_sessions", "agor_list_worktrees", "agor_list_boards"):
        assert (await tools.call(made.house, nobody, name, {})).failed, name
