"""A session as a script that plays it again, without the secrets of its owner and of this server."""

from __future__ import annotations

import asyncio
from pathlib import Path

from agor_jupyter.agents.recording.recorder import Recorder
from agor_jupyter.domain.redaction import Redactor
from agor_jupyter.domain.repo import Worktree
from agor_jupyter.domain.session import Session
from agor_jupyter.domain.user import Actor
from agor_jupyter.service import credentials, sessions, variables
from agor_jupyter.service.access import admit
from agor_jupyter.service.answers import Removed, SessionScript
from agor_jupyter.service.events import read_on
from agor_jupyter.service.house import House


async def make(house: House, actor: Actor, session_id: str) -> SessionScript:
    """Write the script of what was said until now. Nothing is stored.

    Raises `CredentialsSealed` where the owner's secrets cannot be known, and so not be taken out, and
    `Unprocessable` for a session that has done nothing, or too much.
    """
    admit(actor, "sessions.script")
    session = await sessions.get(house, session_id)
    worktree = await house.records.worktrees.get(session.worktree_id)
    redactor = await _redactor(house, session, worktree)
    about = " ".join(["a session of", session.agent, *([f"with {session.model}"] if session.model else [])])
    recorder = Recorder(session.title, about, worktree.path if worktree is not None else "", redactor)
    # Page by page and in a thread: a long session must not hold up the others.
    async for page in read_on(house, session.id, 0):
        said = [event for event in page if event.seq <= session.last_seq]
        await asyncio.to_thread(recorder.take, said)
        if len(said) < len(page):
            break  # it goes on being said: what comes now is not waited for
    recording = await asyncio.to_thread(recorder.write)
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
