"""What the turns of one conversation work with, and keep between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.agents.workbench.asking import Asking
from agor_jupyter.agents.workbench.history import Answered, Did, Entry, History, Prompted, told
from agor_jupyter.agents.workbench.model import Model
from agor_jupyter.agents.workbench.settings import Settings
from agor_jupyter.agents.workbench.tool import Tool
from agor_jupyter.domain.content import Usage

CHARACTERS_A_TOKEN = 4
"""A rough measure for what no model has counted yet."""


@dataclass
class Bench:
    """`used`: tokens that the next request is about to hold. `context_size`: what the model can hold."""

    history: History
    model: Model
    settings: Settings
    outbox: Outbox
    asking: Asking
    tools: Mapping[str, Tool]
    system: Callable[[], str]
    context_size: int
    used: int = field(default=0)

    def keep(self, entry: Entry) -> None:
        """Write an entry, and count what it adds to the next request (an answer is counted exactly)."""
        self.history.append(entry)
        if isinstance(entry, Prompted | Did):
            self.used += size_of(entry)

    def measure(self) -> int:
        """Estimate the whole conversation anew."""
        self.used = sum(size_of(entry) for entry in told(self.history.entries))
        return self.used


def size_of(entry: Prompted | Answered | Did) -> int:
    """Estimate an entry's tokens; images are left out, their size says nothing."""
    words = len(entry.text)
    if isinstance(entry, Answered):
        words = max(words, sum(len(str(item)) for item in entry.items))
    if isinstance(entry, Prompted):
        words += sum(len(item.data) for item in entry.attachments if not item.media_type.startswith("image/"))
    return words // CHARACTERS_A_TOKEN + 1


def added(first: Usage, second: Usage) -> Usage:
    """Add two usages. None of these APIs tells a cost."""
    return Usage(
        input_tokens=first.input_tokens + second.input_tokens,
        output_tokens=first.output_tokens + second.output_tokens,
        cached_read_tokens=first.cached_read_tokens + second.cached_read_tokens,
        cached_write_tokens=first.cached_write_tokens + second.cached_write_tokens,
        thought_tokens=first.thought_tokens + second.thought_tokens,
    )
