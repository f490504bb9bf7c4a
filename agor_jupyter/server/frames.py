"""What is said on the events socket, both ways, as models: for parsing and for OpenAPI."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from agor_jupyter.domain.events import SessionEvent, WorkspaceEvent
from agor_jupyter.domain.model import Value
from agor_jupyter.domain.session import Session
from agor_jupyter.server.bodies import MAX_SEQ, Id, Seq

Number = Annotated[int, Field(ge=0, le=MAX_SEQ)]


class Subscribe(Value):
    """One session from after a seq on, or the workspace (`after_seq` null: from now on)."""

    session: Id | None = None
    workspace: bool = False
    after_seq: Seq | None = None

    @model_validator(mode="after")
    def _one(self) -> Subscribe:
        if (self.session is None) == (not self.workspace):
            raise ValueError("name a session, or the workspace")
        return self


class Unsubscribe(Value):
    session: Id | None = None
    workspace: bool = False

    @model_validator(mode="after")
    def _one(self) -> Unsubscribe:
        if (self.session is None) == (not self.workspace):
            raise ValueError("name a session, or the workspace")
        return self


class ClientFrame(Value):
    """What a client says. `id` comes back in the reply."""

    id: Number | None = None
    subscribe: Subscribe | None = None
    unsubscribe: Unsubscribe | None = None
    ping: Number | None = None

    @model_validator(mode="after")
    def _one(self) -> ClientFrame:
        said = [self.subscribe, self.unsubscribe, self.ping]
        if sum(part is not None for part in said) != 1:
            raise ValueError("say one of subscribe, unsubscribe, ping")
        return self


class Problem(Value):
    """RFC 9457, with what the reader can do next."""

    type: str
    title: Annotated[str, StringConstraints()]
    status: int
    detail: str
    hint: str = ""


class ServerFrame(Value):
    """What the server says: exactly one of the groups (`session` with `events`, `reply` with `ok`…)."""

    reply: int | None = None
    ok: bool | None = None
    problem: Problem | None = None
    session: str | None = None
    events: tuple[SessionEvent, ...] | None = None
    workspace: tuple[WorkspaceEvent, ...] | None = None
    sessions: tuple[Session, ...] | None = None
    pong: int | None = None
