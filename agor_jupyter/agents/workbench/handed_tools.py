"""Tools that are handed in: the house's own (never asked about), as tools of the bench."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agor_jupyter.agents.base import ToolCaller, ToolSpec
from agor_jupyter.agents.clip import clip
from agor_jupyter.agents.workbench.tool import Job, Result, Say
from agor_jupyter.domain.content import TextContent, ToolKind


@dataclass(frozen=True)
class HouseTool:
    """A tool of the house. What it may do, the house itself decides: no person is asked."""

    spec: ToolSpec
    call: ToolCaller
    kind: ToolKind = "other"

    async def look(self, arguments: Mapping[str, Any]) -> Job:
        async def run(_: Say) -> Result:
            answer = await self.call(self.spec.name, arguments)
            return text_result(answer.text, failed=answer.failed)

        return Job(title=self.spec.name, run=run)


def text_result(text: str, *, failed: bool = False) -> Result:
    """Give a plain text, clipped for people and for the model alike."""
    kept, gone = clip(text)
    return Result(kept, (TextContent(text=kept, truncated=gone),), failed=failed)
