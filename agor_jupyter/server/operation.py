"""What the route table is made of: a route, its operations, and the call that an operation gets."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from pydantic import BaseModel

from agor_jupyter.domain.events import SessionEvent
from agor_jupyter.domain.user import Actor
from agor_jupyter.service.access import RULES, Rule
from agor_jupyter.service.house import House

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
M = TypeVar("M", bound=BaseModel)
_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Call:
    """One request, parsed: who, where, with what. `browser` names the login cookie of `local`."""

    house: House
    actor: Actor
    path: dict[str, str]
    query: BaseModel | None
    body: BaseModel | None
    texts: dict[str, str] = field(default_factory=dict)
    accept: str = ""
    browser: str | None = None
    named_users: bool = False

    def body_as(self, model: type[M]) -> M:
        return _as(self.body, model)

    def query_as(self, model: type[M]) -> M:
        return _as(self.query, model)


def _as(value: BaseModel | None, model: type[M]) -> M:
    if not isinstance(value, model):
        raise TypeError(f"the route table promised {model.__name__}")
    return value


@dataclass(frozen=True)
class Lines:
    """An answer that follows a session: one event a line, until the client leaves."""

    batches: AsyncIterator[tuple[SessionEvent, ...]]


Result = BaseModel | dict[str, str] | dict[str, object] | Lines | None
Run = Callable[[Call], Awaitable[Result]]


@dataclass(frozen=True)
class Operation:
    """A method of a path. `verb` is a key of `access.RULES`; `status` is that of success (None → 204)."""

    method: Method
    verb: str
    run: Run
    summary: str
    answer: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    status: int = 200
    also_empty: bool = False  # may answer 204 instead
    follows: bool = False  # may answer application/x-ndjson instead
    secret: bool = False  # the answer is kept nowhere, so a repeated request gives another one
    map_of_text: bool = False  # body and answer are objects of strings

    @property
    def rule(self) -> Rule:
        return RULES[self.verb]


@dataclass(frozen=True)
class Route:
    """A path under `agor/api/v1`, with `{names}`, and what may be asked of it."""

    path: str
    operations: tuple[Operation, ...]

    @property
    def parameters(self) -> list[str]:
        return _PARAMETER.findall(self.path)

    @property
    def pattern(self) -> str:
        return _PARAMETER.sub(r"(?P<\1>[^/]+)", self.path)
