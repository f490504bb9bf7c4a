"""Makes the scripted ACP agent do the acts of the conformance suite: each prompt carries its steps."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agor_jupyter.agents import registry
from agor_jupyter.agents.base import AgentKind
from agor_jupyter.testing.conformance import (
    Act,
    Ask,
    CountImages,
    MakePlan,
    Recall,
    Run,
    Say,
    Skipped,
    Think,
    UseTool,
    Write,
)
from agor_jupyter.testing.faulty import ModelFault
from agor_jupyter.testing.harnesses.faults import broken_command

COMMAND = (sys.executable, "-m", "agor_jupyter.testing.acp_agent")
PIECE = 12
FAILURES: Mapping[ModelFault, tuple[int, str]] = {
    "rate_limit": (429, "Rate limit exceeded. Try again in a second."),
    "overloaded": (529, "Overloaded."),
    "expired_login": (-32000, "Authentication required."),
}


class AcpHarness:
    """See `conformance.Harness`. `flags` are the scripted agent's own."""

    def __init__(self, *flags: str) -> None:
        self.kind: AgentKind = registry.get("acp")
        self._flags = flags
        self._mark = ""
        self._home = tempfile.TemporaryDirectory(prefix="agor-acp-")

    def prompt(self, acts: Sequence[Act], note: str) -> str:
        return f"{note}\nSTEPS: {json.dumps([step_of(act) for act in acts])}"

    def failing(self, acts: Sequence[Act], fault: ModelFault) -> str:
        if fault == "cut":
            raise Skipped("the scripted agent asks no model")
        steps = [*(step_of(act) for act in acts), {"fail": list(FAILURES[fault])}]
        return f"STEPS: {json.dumps(steps)}"

    def heard(self) -> str:
        kept = (Path(self._home.name) / ".scripted-acp-agent").glob("*.json")
        return "\n".join(text for file in kept for text in json.loads(file.read_text(encoding="utf-8")))

    def break_output(self, mark: str) -> None:
        self._mark = mark

    def mend_output(self) -> None:
        self._mark = ""

    def environment(self) -> dict[str, str]:
        return {"HOME": self._home.name}

    def options(self) -> dict[str, object]:
        command = [*COMMAND, *self._flags]
        return {"command": broken_command(self._mark, command) if self._mark else command}

    async def open(self) -> None:
        """Nothing to start."""

    async def close(self) -> None:
        self._home.cleanup()


def step_of(act: Act) -> dict[str, Any]:
    match act:
        case Say(text=text, seconds=seconds):
            return {"say": text, "delay_ms": seconds * 1000 / max(1, len(text) // PIECE)}
        case Think(text=text):
            return {"think": text}
        case Write(path=path, text=text):
            return {"write": [path, text]}
        case Run(command=command):
            return {"run": command}
        case MakePlan(entries=entries):
            return {"plan": list(entries)}
        case Recall():
            return {"recall": True}
        case UseTool(server=server, tool=tool, arguments=arguments, silent=silent):
            return {"use": [server or "agor", tool, dict(arguments)], "silent": silent}
        case CountImages():
            return {"count": "images"}
        case Ask():
            raise Skipped("the protocol has no stable way to ask a person")
