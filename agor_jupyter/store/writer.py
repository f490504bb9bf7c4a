"""The one writer: a thread that commits what has come in since its last commit, as one group.

A disk flush costs the same for one row as for a thousand, so while one group is flushed the next
gathers by itself; nothing waits for a timer. A unit of work that fails is undone alone. When the
group as a whole fails (a full disk), each unit is tried alone, so the small ones may still fit.

Invariant: what a caller is told, and what the bus says, was committed before.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar, cast

from agor_jupyter.domain.errors import Conflict, InvalidRequest, ReadOnly
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.domain.ports import Appended, WorkspaceAppended
from agor_jupyter.domain.session import Session
from agor_jupyter.store.batch import Batch, Kept, Order
from agor_jupyter.store.bus import Bus
from agor_jupyter.store.database import translated

T = TypeVar("T")

BACKLOG = 4096
"""How many units may wait; whoever comes next waits its turn."""

GROUP = 1024
"""How many units are committed together at most."""

KNOWN_SESSIONS = 2048
"""How many sessions' records are kept at hand."""


@dataclass(frozen=True)
class Done(Generic[T]):
    """What a unit of work gives its caller, and what the bus says once it is committed."""

    value: T
    say: WorkspaceAppended | None = None


Work = Callable[[sqlite3.Connection], Done[T]]


_Unit = tuple[Order | Work[Any], asyncio.Future[Any]]
_Outcome = tuple[asyncio.Future[Any], Appended | Done[Any] | Exception]


class Writer:
    """Owns the writing connection and its thread. Use it from one event loop."""

    def __init__(self, connection: sqlite3.Connection | None, bus: Bus, read_only: str = "") -> None:
        self._connection = connection
        self._bus = bus
        self._refusal: Callable[[], Conflict] | None = partial(_held, read_only) if read_only else None
        self._units: SimpleQueue[_Unit | None] = SimpleQueue()
        self._known: OrderedDict[SessionId, Kept] = OrderedDict()
        self._backlog = 0
        self._turns: deque[asyncio.Future[None]] = deque()
        self._stopped = False
        self.commits = 0
        self._thread: threading.Thread | None = None
        if connection is not None:
            self._thread = threading.Thread(target=self._run, name="agor-write", daemon=True)
            self._thread.start()

    def known(self, session_id: SessionId) -> Session | None:
        """Give a session's committed record if it is at hand."""
        kept = self._known.get(session_id)
        return kept[1] if kept else None

    def append(self, order: Order) -> Awaitable[Appended]:
        """Store an append; what it gives is there when it is durable.

        A future where that is enough: a coroutine more for each chunk would be felt.
        """
        if self._turns or self._backlog >= BACKLOG:
            return self._append_in_turn(order)
        return cast("asyncio.Future[Appended]", self._accepted(order))

    async def _append_in_turn(self, order: Order) -> Appended:
        await self._turn()
        return cast(Appended, await self._accepted(order))

    async def run(self, work: Work[T]) -> T:
        """Do `work` in the next transaction; returns its value when that is durable."""
        if self._turns or self._backlog >= BACKLOG:
            await self._turn()
        return cast(T, await self._accepted(work))

    def _accepted(self, do: Order | Work[Any]) -> asyncio.Future[object]:
        if self._refusal is not None:
            raise self._refusal()
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._backlog += 1
        self._units.put((do, future))
        return future

    async def _turn(self) -> None:
        """Wait until there is room. First come, first served, so a session's appends keep their order."""
        turn = asyncio.get_running_loop().create_future()
        self._turns.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            # It may have been woken already: the room that it leaves is the next one's.
            self._turns.remove(turn)
            self._wake()
            raise
        self._turns.remove(turn)

    def _wake(self) -> None:
        room = len(self._turns) if self._stopped else BACKLOG - self._backlog
        for turn in islice(self._turns, max(0, room)):
            if not turn.done():
                turn.set_result(None)

    def stop(self) -> None:
        """Store what was accepted, end the thread, close the connection. Blocks; idempotent."""
        if not self._stopped:
            self._stopped = True
            self._refusal = self._refusal or _stopping
            self._units.put(None)
        if self._thread is not None:
            self._thread.join()
        if self._connection is not None:
            self._connection.close()

    # --- in the writer's thread

    def _run(self) -> None:
        while True:
            unit = self._units.get()
            group: list[_Unit] = []
            while unit is not None:
                group.append(unit)
                if len(group) == GROUP:
                    break
                try:
                    unit = self._units.get_nowait()
                except Empty:
                    break
            self._finish(self._commit(group) if group else [])
            if unit is None:
                return

    def _commit(self, group: list[_Unit]) -> list[_Outcome]:
        try:
            return self._transact(group)
        except Exception as error:  # the job supervisor of this thread: each caller is told
            if len(group) == 1:
                return [(group[0][1], _told(error))]
        return [outcome for unit in group for outcome in self._commit([unit])]

    def _transact(self, group: list[_Unit]) -> list[_Outcome]:
        connection = self._connection
        assert connection is not None  # noqa: S101  # the thread runs only where there is one
        connection.execute("BEGIN IMMEDIATE")
        try:
            batch = Batch(connection, self._known)
            outcomes: list[_Outcome] = []
            for do, future in group:
                outcome = self._staged(batch, do) if isinstance(do, Order) else self._done(connection, do)
                outcomes.append((future, outcome))
            batch.write()
            connection.execute("COMMIT")
        except BaseException:
            # A full disk may have rolled it back already.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self.commits += 1
        for session_id, kept in batch.sessions.items():
            self._known[session_id] = kept
            self._known.move_to_end(session_id)
        while len(self._known) > KNOWN_SESSIONS:
            self._known.popitem(last=False)
        return outcomes

    def _staged(self, batch: Batch, order: Order) -> Appended | Exception:
        try:
            return batch.stage(order)
        except Exception as error:  # this caller is told; nothing was staged
            return _told(error)

    def _done(self, connection: sqlite3.Connection, do: Work[Any]) -> Done[Any] | Exception:
        connection.execute("SAVEPOINT unit")
        try:
            done = do(connection)
        except Exception as error:  # this caller is told; its writes are undone
            if not connection.in_transaction:
                raise  # SQLite gave the whole group up: each is tried alone
            connection.execute("ROLLBACK TO unit")
            connection.execute("RELEASE unit")
            return _told(error)
        connection.execute("RELEASE unit")
        return done

    def _finish(self, outcomes: list[_Outcome]) -> None:
        """Hand the outcomes to the callers' loop: one wake-up for the whole group."""
        of_loops: dict[asyncio.AbstractEventLoop, list[_Outcome]] = {}
        for outcome in outcomes:
            of_loops.setdefault(outcome[0].get_loop(), []).append(outcome)
        for loop, part in of_loops.items():
            # A closed loop has nobody left to tell; what was stored is stored.
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._deliver, part)

    # --- back on the loop

    def _deliver(self, outcomes: list[_Outcome]) -> None:
        self._backlog -= len(outcomes)
        for future, outcome in outcomes:
            if type(outcome) is Appended:
                if outcome.events:
                    self._bus.publish(outcome)
                value: object = outcome
            elif isinstance(outcome, Done):
                if outcome.say is not None:
                    self._bus.publish(outcome.say)
                value = outcome.value
            else:
                if not future.done():
                    future.set_exception(cast(Exception, outcome))
                continue
            # A caller that was cancelled meanwhile has stored it all the same.
            if not future.done():
                future.set_result(value)
        if self._turns:
            self._wake()


def _held(holder: str) -> Conflict:
    return ReadOnly(
        f"Nothing can be changed here: {holder}",
        hint="Use that server, or stop it and restart this one.",
    )


def _stopping() -> Conflict:
    return Conflict("The server is stopping.", hint="Try again once it is back.")


def _told(error: Exception) -> Exception:
    if isinstance(error, sqlite3.Error):
        told: Exception = translated(error)
    elif isinstance(error, (UnicodeEncodeError, OverflowError)):
        told = InvalidRequest("The database cannot hold a value that was sent.")
    else:
        return error
    told.__cause__ = error
    return told
