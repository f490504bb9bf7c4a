"""One vendor's model, as the bench sees it: asked with a conversation, heard as it answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from agor_jupyter.agents.base import ToolSpec
from agor_jupyter.agents.workbench.history import Answered, Did, Prompted
from agor_jupyter.agents.workbench.tool import Tool
from agor_jupyter.domain.content import StopReason, ToolKind, Usage


@dataclass(frozen=True)
class Request:
    """All that a model is asked with. Every call among the entries has its result."""

    system: str
    entries: Sequence[Prompted | Answered | Did]
    tools: Sequence[ToolSpec]


@dataclass(frozen=True)
class Words:
    """A piece of the answer, as it comes."""

    kind: Literal["text", "thought"]
    text: str


@dataclass(frozen=True)
class Hosted:
    """What the provider does by itself on the way to its answer: a search, say. Nobody is asked.

    Told when it begins, and again with each new fact. `result` None: it is still under way.
    """

    id: str
    title: str
    kind: ToolKind
    input: Mapping[str, Any]
    result: str | None = None
    failed: bool = False


@dataclass(frozen=True)
class Answer:
    """The whole answer: the last that a stream yields. `stop_reason` counts when there are no calls."""

    entry: Answered
    usage: Usage
    stop_reason: StopReason = "end_turn"


@dataclass(frozen=True)
class Offered:
    """A model that can be chosen. `context_size` in tokens; None: not known. `label`: its name for people."""

    name: str
    context_size: int | None = None
    label: str = ""


class Model(Protocol):
    """Made for one conversation; opened once, closed once. Failures are `ModelFailed`."""

    name: str
    effort: str

    @property
    def version(self) -> str:
        """Name the SDK and its version."""
        ...

    @property
    def efforts(self) -> tuple[str, ...]: ...

    @property
    def tools(self) -> Sequence[Tool]:
        """Tools that the vendor brings, and the bench offers and asks about like its own."""
        ...

    async def offered(self) -> Sequence[Offered]:
        """Ask the endpoint which models it has; raises `ModelFailed` where it does not say."""
        ...

    def ask(self, request: Request) -> AsyncGenerator[Words | Hosted | Answer]:
        """Stream one answer. Closing the iterator, or cancelling it, closes the connection."""
        ...

    async def close(self) -> None: ...
