"""The tools of the house, as a table: name, what a model reads of it, parameters, verb.

Agents reach them through their runner, outside clients at `agor/mcp`. A tool is a verb of `service`
with an actor, like any request; what it gives is JSON or plain text, bounded.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from agor_jupyter.agents.base import ToolAnswer, ToolSpec
from agor_jupyter.domain.conversation import conversation
from agor_jupyter.domain.errors import AgorError, Unprocessable
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.domain.session import Session
from agor_jupyter.domain.user import Actor
from agor_jupyter.service import boards, events, sessions, worktrees
from agor_jupyter.service.house import House

MAX_ITEMS = 50
Id = Annotated[str, StringConstraints(min_length=1, max_length=100)]


@dataclass(frozen=True)
class Caller:
    """Who calls: an actor, and the session whose agent it is (None: an outside client)."""

    actor: Actor
    session_id: SessionId | None = None


class Params(BaseModel):
    """Parameters of a tool; what is not known is refused, so that a model notices."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Params):
    pass


class ListSessions(Params):
    worktree_id: Id | None = Field(None, description="Only sessions of this worktree.")
    status: Id | None = Field(None, description="Only sessions in this status, such as running or idle.")


class ReadSession(Params):
    session_id: Id | None = Field(None, description="Which session; left out: your own.")
    before_seq: int | None = Field(
        None, ge=1, le=2**53 - 1, description="Read on towards the beginning from here."
    )


class ReadWorktree(Params):
    worktree_id: Id = Field(description="Which worktree, as agor_list_worktrees names it.")


class ReadBoard(Params):
    board_id: Id = Field(description="Which board, as agor_list_boards names it.")


class SetStatus(Params):
    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=120)] = Field(
        description="One short line for people, such as 'Running the tests'. Empty takes it away."
    )


Verb = Callable[[House, Caller, Any], Awaitable[object]]


@dataclass(frozen=True)
class Tool:
    """A row of the table. `own`: it needs a session of its own, so outside clients do not have it."""

    name: str
    description: str
    params: type[Params]
    verb: Verb
    own: bool = False

    def spec(self) -> ToolSpec:
        schema = self.params.model_json_schema()
        return ToolSpec(name=self.name, description=self.description, parameters=schema)


async def _whoami(house: House, caller: Caller, _: Nothing) -> object:
    person = caller.actor.person
    if caller.session_id is None:
        return {"person": person.display_name, "user": person.id}
    session = await sessions.get(house, caller.session_id)
    worktree = await worktrees.get(house, session.worktree_id)
    return {
        "session_id": session.id,
        "title": session.title,
        "agent": session.agent,
        "mode": session.mode,
        "works_for": person.display_name,
        "worktree": {"id": worktree.id, "name": worktree.name, "path": worktree.path},
        "branch": worktree.branch,
        "base": worktree.base,
        "board_id": worktree.board_id,
    }


async def _list_sessions(house: House, caller: Caller, params: ListSessions) -> object:
    page = await sessions.browse(
        house, caller.actor, worktree_id=params.worktree_id, status=params.status, limit=MAX_ITEMS
    )
    return {"sessions": [_short(session) for session in page.items], "more": page.next is not None}


def _short(session: Session) -> dict[str, object]:
    return {
        "id": session.id,
        "title": session.title,
        "agent": session.agent,
        "status": session.status,
        "worktree_id": session.worktree_id,
        "last_words": session.last_words,
        "status_line": session.status_line,
        "updated_ms": session.updated_ms,
    }


async def _read_session(house: House, caller: Caller, params: ReadSession) -> object:
    wanted = params.session_id or caller.session_id
    if wanted is None:
        raise Unprocessable("Say which session.", hint="agor_list_sessions lists them.")
    session = await sessions.show(house, caller.actor, wanted)
    page = await events.page(house, caller.actor, session.id, before_seq=params.before_seq, newest=True)
    text, first = conversation(page.items)
    more = page.next is not None or first > (page.items[0].seq if page.items else first)
    return {"session": _short(session), "conversation": text, "before_seq": first if more else None}


async def _list_worktrees(house: House, caller: Caller, _: Nothing) -> object:
    page = await worktrees.browse(house, caller.actor, limit=MAX_ITEMS)
    found = [
        {
            "id": tree.id,
            "name": tree.name,
            "branch": tree.branch,
            "state": tree.state,
            "board_id": tree.board_id,
        }
        for tree in page.items
    ]
    return {"worktrees": found, "more": page.next is not None}


async def _read_worktree(house: House, caller: Caller, params: ReadWorktree) -> object:
    tree = await worktrees.show(house, caller.actor, params.worktree_id)
    status = await worktrees.status(house, caller.actor, tree.id)
    return {"worktree": tree, "status": status}


async def _list_boards(house: House, caller: Caller, _: Nothing) -> object:
    page = await boards.browse(house, caller.actor, limit=MAX_ITEMS)
    return {"boards": [{"id": board.id, "name": board.name} for board in page.items]}


async def _read_board(house: House, caller: Caller, params: ReadBoard) -> object:
    board = await boards.show(house, caller.actor, params.board_id)
    page = await worktrees.browse(house, caller.actor, board_id=board.id, limit=MAX_ITEMS)
    cards = []
    for tree in page.items:
        inside = await sessions.browse(house, caller.actor, worktree_id=tree.id, limit=MAX_ITEMS)
        shown = [_short(session) for session in inside.items]
        cards.append({"worktree_id": tree.id, "name": tree.name, "branch": tree.branch, "sessions": shown})
    return {"board": {"id": board.id, "name": board.name}, "cards": cards, "more": page.next is not None}


async def _set_status(house: House, caller: Caller, params: SetStatus) -> object:
    session = await sessions.set_status_line(house, caller.actor, str(caller.session_id), params.text)
    return {"status_line": session.status_line}


TOOLS: tuple[Tool, ...] = (
    Tool("agor_whoami", "Say which session, worktree, branch and board you work in.", Nothing, _whoami),
    Tool(
        "agor_list_sessions",
        "List conversations with agents, last active first.",
        ListSessions,
        _list_sessions,
    ),
    Tool(
        "agor_read_session",
        "Read what was said in a conversation with an agent, the newest part first.",
        ReadSession,
        _read_session,
    ),
    Tool("agor_list_worktrees", "List the worktrees: where agents work.", Nothing, _list_worktrees),
    Tool(
        "agor_read_worktree",
        "Read a worktree's branch and what changed in it.",
        ReadWorktree,
        _read_worktree,
    ),
    Tool("agor_list_boards", "List the boards.", Nothing, _list_boards),
    Tool("agor_read_board", "Read a board: its worktrees and their sessions.", ReadBoard, _read_board),
    Tool(
        "agor_set_status",
        "Show people one short line about what you do now, on your card.",
        SetStatus,
        _set_status,
        own=True,
    ),
)
_BY_NAME: Mapping[str, Tool] = {tool.name: tool for tool in TOOLS}


def specs(*, own: bool) -> tuple[ToolSpec, ...]:
    """List the tools of an agent (`own`), or of an outside client."""
    return tuple(tool.spec() for tool in TOOLS if own or not tool.own)


async def call(house: House, caller: Caller, name: str, arguments: Mapping[str, Any]) -> ToolAnswer:
    """Do a tool's verb. Never raises for what the caller did wrong: a failure is an answer."""
    tool = _BY_NAME.get(name)
    if tool is None or (tool.own and caller.session_id is None):
        return ToolAnswer(text=f"There is no tool {name!r}.", failed=True)
    try:
        params = tool.params.model_validate(dict(arguments))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return ToolAnswer(text=f"{place}: {first['msg']}" if place else str(first["msg"]), failed=True)
    try:
        return ToolAnswer(text=_text(await tool.verb(house, caller, params)))
    except AgorError as error:
        return ToolAnswer(text=" ".join(filter(None, (error.detail, error.hint))), failed=True)


def _text(found: object) -> str:
    def plain(value: object) -> object:
        return cast(BaseModel, value).model_dump(mode="json")

    return json.dumps(found, ensure_ascii=False, default=plain)
