"""What is said on the events socket, both ways, as models: for parsing and for OpenAPI."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from agor_jupyter.domain.events import SessionEvent, WorkspaceEvent
from agor_jupyter.domain.model import Value
from agor_jupyter.domain.session import Session
from agor_jupyter.server.bodies import MAX_SEQ, Id, Seq

Number = Annotated[int, Field(ge=0, le=MAX_SEQ)]


INBOX, WORKSPACE = "inbox", "workspace"


class Unsubscribe(Value):
    """One session, the workspace, or the inbox."""

    session: Id | None = None
    workspace: bool = False
    inbox: bool = False

    @property
    def topic(self) -> str:
        """Name what is meant; no session's name is one of the other two."""
        if self.session is not None:
            return f"session {self.session}"
        return WORKSPACE if self.workspace else INBOX

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.session is not None) + self.workspace + self.inbox != 1:
            raise ValueError("name a session, the workspace, or the inbox")
        return self


class Subscribe(Unsubscribe):
    """One session from after a seq on, the workspace (`after_seq` null: from now on), or the inbox.

    The inbox begins with all that waits, so it has no `after_seq`.
    """

    after_seq: Seq | None = None

    @model_validator(mode="after")
    def _no_place_in_the_inbox(self) -> Self:
        if self.inbox and self.after_seq is not None:
            raise ValueError("the inbox begins with all that waits: leave after_seq out")
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
    """What the server says: exactly one of the groups (`session` with `events`, `reply` with `ok`…).

    `inbox` with `whole` takes the place of all that the inbox said before.
    """

    reply: int | None = None
    ok: bool | None = None
    problem: Problem | None = None
    session: str | None = None
    events: tuple[SessionEvent, ...] | None = None
    workspace: tuple[WorkspaceEvent, ...] | None = None
    sessions: tuple[Session, ...] | None = None
    inbox: tuple[SessionEvent, ...] | None = None
    whole: bool | None = None
    pong: int | None = None
