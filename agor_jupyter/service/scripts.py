"""A session as a script that plays it again, without the secrets of its owner and of this server."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

from agor_jupyter.agents.recording.recorder import Recorder, Recording
from agor_jupyter.domain.errors import Conflict, TimedOut
from agor_jupyter.domain.redaction import Redactor
from agor_jupyter.domain.repo import Worktree
from agor_jupyter.domain.session import Session
from agor_jupyter.domain.user import Actor
from agor_jupyter.service import credentials, sessions, variables
from agor_jupyter.service.access import admit
from agor_jupyter.service.answers import Removed, SessionScript
from agor_jupyter.service.events import read_on
from agor_jupyter.service.house import House

AT_ONCE = 2
"""So many are written at a time, each for another person: the server has other work for its threads."""
MOST_SECONDS = 120.0


async def make(house: House, actor: Actor, session_id: str) -> SessionScript:
    """Write the script of what was said until now. Nothing is stored.

    Raises `CredentialsSealed` where the owner's secrets cannot be known, and so not be taken out,
    `Unprocessable` for a session that has done nothing, or too much, and `Conflict` while others are
    written: one a person.
    """
    admit(actor, "sessions.script")
    session = await sessions.get(house, session_id)
    if actor.id in house.saving:
        raise Conflict("A script is written for you already.", hint="Wait for it, then ask again.")
    if len(house.saving) >= AT_ONCE:
        raise Conflict("Others save sessions as scripts right now.", hint="Wait a minute, then ask again.")
    house.saving.add(actor.id)
    ending = _Ending(MOST_SECONDS)
    work = asyncio.create_task(_written(house, session, ending))

    def over(done: asyncio.Task[SessionScript]) -> None:
        house.saving.discard(actor.id)
        if not done.cancelled():
            done.exception()  # whoever asked may be gone: nobody else looks at it

    work.add_done_callback(over)
    try:
        # A thread cannot be cancelled: who goes away keeps their place until it has ended.
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        ending.end()
        raise


class _Ending:
    """Says in a thread whether to go on: not when nobody waits any more, nor for longer than `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._ended = threading.Event()
        self._until = time.monotonic() + seconds

    def end(self) -> None:
        self._ended.set()

    def check(self) -> None:
        if self._ended.is_set() or time.monotonic() > self._until:
            raise TimedOut(
                f"The script was not written within {MOST_SECONDS:g} seconds.",
                hint="Save a shorter session: a fork keeps what is worth to be shown.",
            )


async def _written(house: House, session: Session, ending: _Ending) -> SessionScript:
    worktree = await house.records.worktrees.get(session.worktree_id)
    redactor = await _redactor(house, session, worktree)
    about = " ".join(["a session of", session.agent, *([f"with {session.model}"] if session.model else [])])
    recorder = Recorder(session.title, about, worktree.path if worktree is not None else "", redactor)
    # Page by page and in a thread: a long session must not hold up the others.
    async for page in read_on(house, session.id, 0):
        said = [event for event in page if event.seq <= session.last_seq]
        ending.check()
        await asyncio.to_thread(recorder.take, said)
        if len(said) < len(page):
            break  # it goes on being said: what comes now is not waited for
    recording: Recording = await asyncio.to_thread(recorder.write, ending.check)
    return SessionScript(
        name=recording.name,
        script=recording.script,
        removed=tuple(Removed(what=what, count=count) for what, count in sorted(recording.removed.items())),
        notes=recording.notes,
    )


async def _redactor(house: House, session: Session, worktree: Worktree | None) -> Redactor:
    """Gather what must not be told: of the owner, whoever asks, for the session ran with it."""
    known = dict.fromkeys(house.secrets, "secret of this server")
    for kind in house.agents.kinds():
        theirs = await variables.of_person(house, session.owner, kind.kind)
        known |= dict.fromkeys(theirs.values(), "variable")
    own = await credentials.to_take_out(house, session.owner)
    known |= dict.fromkeys(own, "credential")
    return Redactor(known, await _places(house, worktree))


async def _places(house: House, worktree: Worktree | None) -> dict[str, str]:
    """Name the folders that tell of this machine, and what stands for each."""
    home = await asyncio.to_thread(lambda: {str(Path.home()), str(Path.home().resolve())})
    places = {str(house.paths.data_dir): "[data]", **dict.fromkeys(home, "~")}
    if house.paths.root_dir is not None:
        places[str(house.paths.root_dir)] = "[root]"
    if worktree is not None:
        repo = await house.records.repos.get(worktree.repo_id)
        places |= {repo.path: "[repository]"} if repo is not None else {}
        places[worktree.path] = ""
    return places
