"""Records, idempotent answers and tokens in memory. See `memory`."""

from __future__ import annotations

from dataclasses import dataclass
from hmac import compare_digest
from typing import Generic

from agor_jupyter.domain.board import Board
from agor_jupyter.domain.events import WorkspaceEvent
from agor_jupyter.domain.ids import UserId
from agor_jupyter.domain.ports import Answer, Clock, OwnServers, Page, Table, Vault, WorkspaceAppended
from agor_jupyter.domain.repo import Repo, Worktree
from agor_jupyter.store.answers import KEPT_MS, require_same
from agor_jupyter.store.bus import Bus
from agor_jupyter.store.memory_own import MemoryOwnServers, MemoryVault
from agor_jupyter.store.nouns import T, Thing, Verb, workspace_event
from agor_jupyter.store.paging import cursor_of, filters_of, key_of, page_size, text_of
from agor_jupyter.store.secret import digest_of, new_token


class Workspace:
    """The workspace's own event list, and its publisher."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._events: list[WorkspaceEvent] = []

    def say(self, verb: Verb, thing: Thing, by: UserId) -> None:
        event = workspace_event(len(self._events) + 1, self._clock(), verb, thing, by)
        self._events.append(event)
        self._bus.publish(WorkspaceAppended(events=(event,)))

    def read(self, after_seq: int, limit: int) -> list[WorkspaceEvent]:
        start = max(0, after_seq)
        return self._events[start : start + max(0, limit)]


class MemoryTable(Generic[T]):
    """`Table` in a dictionary, with a number for the order of making."""

    def __init__(self, kind: type[T], workspace: Workspace) -> None:
        self._kind = kind
        self._workspace = workspace
        self._things: dict[str, tuple[int, T]] = {}
        self._made = 0

    async def get(self, id: str) -> T | None:
        kept = self._things.get(id)
        return kept[1] if kept else None

    async def list(self, *, limit: int = 100, cursor: str | None = None, **where: str | None) -> Page[T]:
        size = page_size(limit)
        wanted = filters_of(self._kind, where)
        after = int(key_of(cursor, int)[0]) if cursor is not None else 0
        found = [
            (number, thing)
            for number, thing in self._things.values()
            if number > after
            and all(text_of(getattr(thing, name)) == value for name, value in wanted.items())
        ]
        items = tuple(thing for _, thing in found[:size])
        return Page(items=items, next=cursor_of(found[size - 1][0]) if len(found) > size else None)

    async def put(self, thing: T, *, by: UserId) -> T:
        kept = self._things.get(thing.id)
        if kept is None:
            self._made += 1
        self._things[thing.id] = (kept[0] if kept else self._made, thing)
        self._workspace.say("updated" if kept else "created", thing, by)
        return thing

    async def delete(self, id: str, *, by: UserId) -> None:
        kept = self._things.pop(id, None)
        if kept is not None:
            self._workspace.say("deleted", kept[1], by)


@dataclass(frozen=True)
class _KeptAnswer:
    at_ms: int
    fingerprint: str
    answer: Answer


class MemoryRecords:
    """`Records` in dictionaries."""

    def __init__(self, workspace: Workspace, clock: Clock) -> None:
        self._clock = clock
        self._vault = MemoryVault(clock)
        self._own_servers = MemoryOwnServers()
        self._repos = MemoryTable(Repo, workspace)
        self._worktrees = MemoryTable(Worktree, workspace)
        self._boards = MemoryTable(Board, workspace)
        self._answers: dict[tuple[UserId, str], _KeptAnswer] = {}
        self._snapshots: dict[str, bytes] = {}
        self._settings: dict[tuple[UserId, str], str] = {}

    @property
    def vault(self) -> Vault:
        return self._vault

    @property
    def own_servers(self) -> OwnServers:
        return self._own_servers

    @property
    def repos(self) -> Table[Repo]:
        return self._repos

    @property
    def worktrees(self) -> Table[Worktree]:
        return self._worktrees

    @property
    def boards(self) -> Table[Board]:
        return self._boards

    async def answer_of(self, actor: UserId, key: str) -> Answer | None:
        kept = self._kept(actor, key)
        return kept.answer if kept else None

    async def keep_answer(self, actor: UserId, key: str, fingerprint: str, answer: Answer) -> None:
        kept = self._kept(actor, key)
        if kept is not None:
            require_same(kept.fingerprint, fingerprint)
            return
        now = self._clock()
        self._answers = {name: old for name, old in self._answers.items() if old.at_ms > now - KEPT_MS}
        self._answers[actor, key] = _KeptAnswer(now, fingerprint, answer)

    async def fingerprint_of(self, actor: UserId, key: str) -> str | None:
        kept = self._kept(actor, key)
        return kept.fingerprint if kept else None

    def _kept(self, actor: UserId, key: str) -> _KeptAnswer | None:
        kept = self._answers.get((actor, key))
        return kept if kept is not None and kept.at_ms > self._clock() - KEPT_MS else None

    async def snapshot(self, room_id: str) -> bytes | None:
        return self._snapshots.get(room_id)

    async def keep_snapshot(self, room_id: str, update: bytes) -> None:
        self._snapshots[room_id] = update

    async def setting(self, user: UserId, name: str) -> str | None:
        return self._settings.get((user, name))

    async def keep_setting(self, user: UserId, name: str, value: str) -> None:
        self._settings[user, name] = value


class MemoryTokens:
    """`TokenIssuer` in a dictionary of digests."""

    def __init__(self) -> None:
        self._users: dict[str, UserId] = {}
        self._purposes: dict[str, str] = {}

    async def mint(self, user: UserId, purpose: str) -> str:
        token = new_token()
        self._users[digest_of(token)] = user
        self._purposes[digest_of(token)] = purpose
        return token

    async def check(self, token: str) -> UserId | None:
        digest = digest_of(token)
        for kept, user in self._users.items():
            if compare_digest(kept, digest):
                return user
        return None

    async def revoke(self, token: str) -> None:
        self._users.pop(digest_of(token), None)

    async def revoke_all(self, purpose: str) -> None:
        for digest, meant in self._purposes.items():
            if meant == purpose:
                self._users.pop(digest, None)
