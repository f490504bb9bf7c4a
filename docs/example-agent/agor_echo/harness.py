"""Makes Echo do the acts of the conformance suite. For an agent with a model: by a scripted model server."""

from __future__ import annotations

import json
from collections.abc import Sequence

from agor_echo import kind
from agor_jupyter.agents.base import AgentKind
from agor_jupyter.testing.conformance import Act, Recall, Say, Skipped, Write


class EchoHarness:
    """See `agor_jupyter.testing.conformance.Harness`."""

    kind: AgentKind = kind

    def prompt(self, acts: Sequence[Act], note: str) -> str:
        return "\n".join([f"# {note}", *(line_of(act) for act in acts)])

    def environment(self) -> dict[str, str]:
        return {}

    def options(self) -> dict[str, object]:
        return {}

    async def open(self) -> None:
        """Nothing to start."""

    async def close(self) -> None:
        """Nothing to stop."""


def line_of(act: Act) -> str:
    match act:
        case Say(text=text):
            return text
        case Write(path=path, text=text):
            return f"write {path} {json.dumps(text)}"
        case Recall():
            return "recall"
    raise Skipped(f"Echo knows no {type(act).__name__}: it has no such tool.")
