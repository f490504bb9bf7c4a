"""Makes Gemini CLI do the acts of the conformance suite, by scripts of a fake model."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import ClassVar

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
from agor_jupyter.testing.gemini_server import GeminiServer
from agor_jupyter.testing.harnesses.faults import broken_command
from agor_jupyter.testing.harnesses.scripted import Scripted
from agor_jupyter.testing.model_script import Block, Echo, Script, Text, Thinking, ToolUse, Turn

CHUNK = 12
TRUSTED = frozenset(
    {
        "hanging_tool",
        "huge_tool_result",
        "mute_tool_server",
        "resolves_references",
        "uses_a_house_tool",
        "uses_an_mcp_server",
    }
)
"""Gemini CLI starts a tool server only in a trusted repository."""


def find_gemini() -> str | None:
    """Find the real program: `$AGOR_GEMINI`, else on PATH."""
    return os.environ.get("AGOR_GEMINI") or shutil.which("gemini")


def why_not() -> str:
    """Say why the real program cannot be tried here; "" when it can."""
    if find_gemini() is None:
        return "There is no gemini on PATH or in $AGOR_GEMINI (npm install -g @google/gemini-cli)."
    node = shutil.which("node")
    if node is None:
        return "Gemini CLI needs Node 20 or newer on PATH."
    told = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout
    return "" if told.startswith("v") and int(told[1:].split(".")[0]) >= 20 else f"Node is too old: {told}"


class GeminiHarness(Scripted):
    """See `conformance.Harness`."""

    BEYOND: ClassVar[Mapping[str, str]] = {
        "command_output": "Gemini CLI does not tell a command's exit code.",
        "huge_tool_result": "Gemini CLI hands a command's whole output to its model, and stops at its limit.",
    }

    @classmethod
    def for_case(cls, name: str) -> GeminiHarness:
        """Make the harness that a case needs."""
        return cls(trusted=name in TRUSTED)

    def __init__(self, *, trusted: bool = False) -> None:
        self.trusted = trusted
        self.kind: AgentKind = registry.get("gemini")
        self.server = GeminiServer()
        super().__init__(self.server, script_of)
        self._home = tempfile.TemporaryDirectory(prefix="agor-gemini-")
        self._mark = ""

    def break_output(self, mark: str) -> None:
        self._mark = mark

    def mend_output(self) -> None:
        self._mark = ""

    def environment(self) -> dict[str, str]:
        return {**self.server.environment(), "HOME": self._home.name}

    def options(self) -> dict[str, object]:
        command = [find_gemini() or "gemini", "--acp"]
        return {"command": broken_command(self._mark, command) if self._mark else command}

    async def open(self) -> None:
        await self.server.__aenter__()

    async def close(self) -> None:
        await self.server.__aexit__(None, None, None)
        self._home.cleanup()


def script_of(acts: Sequence[Act]) -> Script:
    """A tool call ends a turn of the model; words and thoughts before it belong to the same one."""
    turns: list[Turn] = []
    blocks: list[Block] = []
    for act in acts:
        made = blocks_of(act)
        blocks += made
        if any(isinstance(block, ToolUse) for block in made):
            turns.append(Turn(blocks=tuple(blocks)))
            blocks = []
        if isinstance(act, UseTool) and not act.silent:
            blocks.append(Echo(of="results"))
    if blocks:
        hold = max((act.after_seconds for act in acts if isinstance(act, Say)), default=0.0)
        turns.append(Turn(blocks=tuple(blocks), hold_seconds=hold))
    return Script(turns=tuple(turns))


def blocks_of(act: Act) -> list[Block]:
    match act:
        case Say(text=text, seconds=seconds):
            pieces = max(1, len(text) // CHUNK)
            return [Text(text=text, chunk=CHUNK, delay_seconds=seconds / pieces)]
        case Think(text=text):
            return [Thinking(text=text, chunk=1000)]  # Gemini CLI takes each piece for a whole thought
        case Write(path=path, text=text):
            return [ToolUse(name="write_file", input={"file_path": path, "content": text})]
        case Run(command=command):
            line = f"sh -c {shlex.quote(command)}"
            return [ToolUse(name="run_shell_command", input={"command": line, "description": "Run it"})]
        case UseTool(server=server, tool=tool, arguments=arguments):
            return [ToolUse(name=f"mcp_{server or 'agor'}_{tool}", input=dict(arguments))]
        case CountImages():
            return [Echo(of="images")]
        case Recall():
            # Never an empty answer: Gemini CLI would take the prompt back and ask again.
            return [Text(text="So far: "), Echo(of="prompts")]
        case Ask() | MakePlan():
            raise Skipped("Gemini CLI asks no questions and tells no plan")
