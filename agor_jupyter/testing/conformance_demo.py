"""The demo agent's harness: each prompt carries its own steps."""

from __future__ import annotations

import json
from collections.abc import Sequence
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


class ScriptedHarness:
    """See `conformance.Harness`. For the built-in agent that plays scripts."""

    def __init__(self, kind: str = "demo") -> None:
        self.kind: AgentKind = registry.get(kind)

    def prompt(self, acts: Sequence[Act], note: str) -> str:
        # JSON is YAML, and needs no thought about quoting.
        steps = [step for act in acts for step in _steps(act)]
        return f"{note}\n```demo\n{json.dumps(steps, ensure_ascii=False)}\n```\n"

    def environment(self) -> dict[str, str]:
        return {}

    def options(self) -> dict[str, object]:
        return {}

    async def open(self) -> None:
        """Nothing to start."""

    async def close(self) -> None:
        """Nothing to stop."""


def _steps(act: Act) -> list[dict[str, Any]]:
    match act:
        case Say(text=text, seconds=seconds):
            pieces = max(1, len(text) // 12)
            return [{"say": text, "delay_ms": int(seconds * 1000 / pieces)}]
        case Think(text=text):
            return [{"think": text}]
        case Write(path=path, text=text):
            return [{"edit": {"path": path, "write": text}}]
        case Run(command=command):
            return [{"run": ["sh", "-c", command]}]
        case Ask(question=question, choices=choices, meanings=meanings):
            asked = {"question": question, "choices": list(choices), "descriptions": list(meanings)}
            return [{"ask": {**asked, "own": True}}, {"say": "{answer}"}]
        case MakePlan(entries=entries):
            return [{"plan": [{"content": entry} for entry in entries]}]
        case Recall():
            return [{"say": "{history}", "delay_ms": 0}]
        case UseTool(tool=tool, arguments=arguments, silent=silent):
            call = {"call": {"tool": tool, "input": dict(arguments)}}
            return [call] if silent else [call, {"say": "{result}"}]
        case CountImages():
            raise Skipped("a script sees no images")
