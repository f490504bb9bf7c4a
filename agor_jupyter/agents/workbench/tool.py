"""What a tool is on the bench: a description for the model, and a job that is shown before it is done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from agor_jupyter.agents.base import ToolSpec
from agor_jupyter.domain.content import Question, ToolContent, ToolKind, ToolLocation, Usage
from agor_jupyter.domain.events import Plan

Say = Callable[[str], None]
"""Takes a piece of a tool's output as it comes."""


@dataclass(frozen=True)
class Result:
    """What a tool gave: `text` for the model, `content` for people (None: the text).

    `usage`: what it cost, where a model did the work; it counts to the turn.
    """

    text: str
    content: tuple[ToolContent, ...] | None = None
    failed: bool = False
    usage: Usage | None = None


@dataclass(frozen=True)
class Job:
    """One call, looked at but not yet done.

    `asks`: a person (or the policy) must allow it. `questions`: it is a question; `run` is then not
    called, the answers are the result. `plan`: its whole meaning is the plan, drawn on its own.
    """

    title: str
    run: Callable[[Say], Awaitable[Result]]
    kind: ToolKind = "other"
    locations: tuple[ToolLocation, ...] = ()
    preview: tuple[ToolContent, ...] = ()
    asks: bool = False
    questions: tuple[Question, ...] = ()
    plan: Plan | None = None
    has_output: bool = False


class Tool(Protocol):
    """A tool that the model may call."""

    @property
    def spec(self) -> ToolSpec: ...

    @property
    def kind(self) -> ToolKind: ...

    async def look(self, arguments: Mapping[str, Any]) -> Job:
        """Work out what a call would do; changes nothing. Raises `ToolFailed`."""
        ...


def digest_of(name: str, arguments: Mapping[str, Any]) -> str:
    """Name exactly what is asked: the sha-256 of the tool and its whole input."""
    whole = json.dumps([name, arguments], sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(whole.encode(errors="surrogatepass")).hexdigest()


def one_line(text: str) -> str:
    """Give the first line of a text, short enough for a title."""
    first = text.strip().split("\n", 1)[0]
    return first if len(first) <= 200 else first[:199] + "…"
