"""Where a session's notebook is, and its making anew."""

from __future__ import annotations

from agor_jupyter.domain.user import Actor
from agor_jupyter.service import sessions
from agor_jupyter.service.access import admit
from agor_jupyter.service.answers import TranscriptPlace
from agor_jupyter.service.house import House


async def show(house: House, actor: Actor, session_id: str) -> TranscriptPlace:
    admit(actor, "transcripts.show")
    session = await sessions.get(house, session_id)
    return await house.transcripts.place(session.id)


async def rebuild(house: House, actor: Actor, session_id: str) -> TranscriptPlace:
    """Draw the notebook again from the log; nothing that was said can be lost by it."""
    admit(actor, "transcripts.rebuild")
    house.check_writable()
    session = await sessions.get(house, session_id)
    return await house.transcripts.rebuild(session.id)
