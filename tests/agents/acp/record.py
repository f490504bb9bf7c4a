"""Record what real agents say to a set of scripts: the golden files of `test_translate`.

    python -m tests.agents.acp.record

writes `golden/<name>.jsonl`, one message of the agent a line, with paths, ids and times replaced: the
scripted agent's, and Gemini CLI's where it is there. Run it when an agent changes, and read the difference.
"""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agor_jupyter.agents.acp import permissions
from agor_jupyter.agents.acp.connection import Connection
from agor_jupyter.agents.acp.presets import GEMINI, GENERIC, Preset
from agor_jupyter.agents.base import SessionSpec
from agor_jupyter.testing.conformance import Act, MakePlan, Run, Say, Think, Write
from agor_jupyter.testing.harnesses.acp import AcpHarness
from agor_jupyter.testing.harnesses.gemini import GeminiHarness, why_not
from tests.agents.acp.talking import Talk, spec_in

GOLDEN = Path(__file__).parent / "golden"
WORKTREE = "/w"
_ID = re.compile(
    r"call-[0-9a-f]{8}|call_\w+?_\d+_[0-9a-f]{8}_\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)

TURNS: Mapping[str, tuple[Act, ...]] = {
    "words": (Think("I should greet them."), Say("Hello, and welcome to it.")),
    "edits": (Write("a.txt", "one\n"), Write("a.txt", "two\n")),
    "commands": (Run("echo out; echo err >&2"), Run("echo bad; exit 3")),
}
PLANNED: Mapping[str, tuple[Act, ...]] = {**TURNS, "plan": (MakePlan(("Look", "Test")),)}


class Recorder(Connection):
    """A connection that keeps what the agent says, and allows all that it asks."""

    def __init__(self, preset: Preset, spec: SessionSpec) -> None:
        super().__init__(preset, spec)
        self.kept: list[dict[str, Any]] = []

    async def _handle(self, method: str, params: Mapping[str, Any]) -> object:
        self.kept.append({"method": method, "params": dict(params)})
        if method == "session/request_permission":
            return permissions.selected(str(permissions.option_to_allow(params["options"])))
        return await super()._handle(method, params)


async def record(preset: Preset, spec: SessionSpec, prompt: str) -> list[dict[str, Any]]:
    """Play one prompt in a fresh conversation; give the agent's own messages of the turn."""
    talk = Talk(spec, preset)
    recorder = Recorder(preset, spec)
    talk.adapter._live = recorder
    await recorder.open()
    talk._job = asyncio.create_task(talk._listen())
    recorder.kept.clear()
    await talk.prompt(prompt)
    kept = [item for item in recorder.kept if "available_commands" not in json.dumps(item)]
    await talk.close()
    return kept


async def record_all() -> None:
    GOLDEN.mkdir(exist_ok=True)
    agents: list[tuple[str, Preset, Any, Mapping[str, tuple[Act, ...]]]] = [
        ("scripted", GENERIC, AcpHarness, PLANNED),
        ("plain", GENERIC, lambda: AcpHarness("--without=terminal"), {"commands": TURNS["commands"]}),
    ]
    if not why_not():
        agents.append(("gemini", GEMINI, GeminiHarness, TURNS))
    for agent, preset, make, turns in agents:
        for name, acts in turns.items():
            with tempfile.TemporaryDirectory() as folder:
                harness = make()
                await harness.open()
                spec = spec_in(Path(folder), options=harness.options(), environment=harness.environment())
                kept = await record(preset, spec, harness.prompt(acts, ""))
                await harness.close()
                text = "\n".join(json.dumps(item) for item in kept)
                path = GOLDEN / f"{agent}-{name}.jsonl"
                path.write_text(clean(text, spec.worktree) + "\n", encoding="utf-8")


def clean(text: str, worktree: str) -> str:
    """Replace what differs from run to run."""
    seen: dict[str, str] = {}
    text = text.replace(worktree, WORKTREE)
    return _ID.sub(lambda found: seen.setdefault(found[0], f"id-{len(seen)}"), text)


if __name__ == "__main__":
    asyncio.run(record_all())
