"""Makes real ACP agents do the acts of the conformance suite, by scripts of a fake model.

Each is one program behind the kind `acp`, led to our server of chat completions by its own variables.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from agor_jupyter.agents.acp import kind as acp
from agor_jupyter.agents.base import AgentKind
from agor_jupyter.testing.chat_server import ChatServer
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
from agor_jupyter.testing.harnesses.faults import broken_command
from agor_jupyter.testing.harnesses.scripted import Scripted
from agor_jupyter.testing.model_script import Block, Echo, Script, Text, Thinking, ToolUse, Turn

CHUNK = 12
_TRIES = "{} asks the model again by itself, for longer than a case waits, and says nothing of it."


def path_of(program: str) -> str:
    """Give a PATH that leads to the Node which a program of npm was installed with: it stands beside it."""
    return os.pathsep.join([str(Path(shutil.which(program) or program).parent), os.environ.get("PATH", "")])


class ProgramHarness(Scripted):
    """See `conformance.Harness`. A subclass says what the program is, and what its tools are called."""

    PROGRAM: ClassVar[str]
    ARGUMENTS: ClassVar[tuple[str, ...]]
    VARIABLE: ClassVar[str]
    """Names the program where it is not on PATH."""
    INSTALL: ClassVar[str]
    BEYOND: ClassVar[Mapping[str, str]] = {}
    trusted = True
    worktree = Path()

    def __init__(self) -> None:
        self.kind: AgentKind = acp.with_options({"command": [self.PROGRAM, *self.ARGUMENTS]})
        self.server = ChatServer()
        super().__init__(self.server, self.script_of)
        self._home = tempfile.TemporaryDirectory(prefix="agor-acp-", ignore_cleanup_errors=True)
        self._mark = ""

    @classmethod
    def find(cls) -> str | None:
        return os.environ.get(cls.VARIABLE) or shutil.which(cls.PROGRAM)

    @classmethod
    def why_not(cls) -> str:
        """Say why the real program cannot be tried here; "" when it can."""
        place = cls.find()
        if place is None:
            return f"There is no {cls.PROGRAM} on PATH or in ${cls.VARIABLE} ({cls.INSTALL})."
        if shutil.which(place) is None:
            return f"${cls.VARIABLE} names no program: {place}."
        told = subprocess.run(
            [place, "--version"],
            env={**os.environ, "PATH": path_of(place)},
            capture_output=True,
            timeout=60,
            check=False,
        )
        return "" if told.returncode == 0 else f"{place} does not start ({cls.INSTALL})."

    @property
    def home(self) -> Path:
        return Path(self._home.name)

    def own_environment(self) -> Mapping[str, str]:
        """Give the variables that lead the program to our server. May write settings into `home`."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return {
            "PATH": path_of(self.find() or self.PROGRAM),
            "HOME": str(self.home),
            **self.own_environment(),
        }

    def options(self) -> dict[str, object]:
        command = [self.find() or self.PROGRAM, *self.ARGUMENTS]
        return {"command": broken_command(self._mark, command) if self._mark else command}

    def break_output(self, mark: str) -> None:
        self._mark = mark

    def mend_output(self) -> None:
        self._mark = ""

    async def open(self) -> None:
        await self.server.__aenter__()

    async def close(self) -> None:
        await self.server.__aexit__(None, None, None)
        self._home.cleanup()

    # --- acts as calls of the program's tools -------------------------------------

    def script_of(self, acts: Sequence[Act]) -> Script:
        """A tool call ends a turn of the model; words and thoughts before it belong to the same one."""
        turns: list[Turn] = []
        blocks: list[Block] = []
        for act in acts:
            made = self.blocks_of(act)
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

    def blocks_of(self, act: Act) -> list[Block]:
        match act:
            case Say(text=text, seconds=seconds):
                pieces = max(1, len(text) // CHUNK)
                return [Text(text=text, chunk=CHUNK, delay_seconds=seconds / pieces)]
            case Think(text=text):
                return [Thinking(text=text, chunk=CHUNK)]
            case Write(path=path, text=text):
                return [self.write(str(self.worktree / path), text)]
            case Run(command=command):
                return [self.run(command)]
            case UseTool(server=server, tool=tool, arguments=arguments):
                return [ToolUse(name=self.served(server or "agor", tool), input=dict(arguments))]
            case MakePlan(entries=entries):
                return [self.plan(entries)]
            case CountImages():
                return [Echo(of="images")]
            case Recall():
                return [Text(text="So far: "), Echo(of="prompts")]
            case Ask():
                raise Skipped("the protocol has no stable way to ask a person")

    def write(self, path: str, text: str) -> ToolUse:
        raise NotImplementedError

    def run(self, command: str) -> ToolUse:
        raise NotImplementedError

    def plan(self, entries: Sequence[str]) -> ToolUse:
        raise NotImplementedError

    def served(self, server: str, tool: str) -> str:
        """Name a tool of a tool server as the program's model knows it."""
        raise NotImplementedError


class OpenCodeHarness(ProgramHarness):
    """OpenCode, with its permissions set to ask."""

    PROGRAM = "opencode"
    ARGUMENTS = ("acp",)
    VARIABLE = "AGOR_OPENCODE"
    INSTALL = "npm install -g opencode-ai"
    BEYOND: ClassVar[Mapping[str, str]] = {
        "permission_reject": "OpenCode ends the turn when a call is rejected, and says no more.",
        "overload_after_a_tool": _TRIES.format("OpenCode"),
        "cut_answer_after_a_tool": _TRIES.format("OpenCode"),
    }

    def own_environment(self) -> Mapping[str, str]:
        sees = {"input": ["text", "image"], "output": ["text"]}
        model = {
            "reasoning": True,
            "attachment": True,
            "modalities": sees,
            "limit": {"context": 2_000_000, "output": 8000},
        }
        provider = {
            "npm": "@ai-sdk/openai-compatible",
            "name": "Scripted",
            "options": {"baseURL": self.server.url, "apiKey": "scripted-key"},
            "models": {"scripted-small": model, "scripted-large": model},
        }
        settings: dict[str, Any] = {
            "provider": {"scripted": provider},
            "enabled_providers": ["scripted"],
            "model": "scripted/scripted-small",
            "small_model": "scripted/scripted-small",
            "autoupdate": False,
            "share": "disabled",
        }
        return {
            "OPENCODE_CONFIG_CONTENT": json.dumps(settings),
            "OPENCODE_DISABLE_MODELS_FETCH": "1",
            "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
        }

    def write(self, path: str, text: str) -> ToolUse:
        return ToolUse(name="write", input={"filePath": path, "content": text})

    def run(self, command: str) -> ToolUse:
        return ToolUse(name="bash", input={"command": command, "description": "Run it"})

    def plan(self, entries: Sequence[str]) -> ToolUse:
        todos = [{"content": entry, "status": "pending", "priority": "high"} for entry in entries]
        return ToolUse(name="todowrite", input={"todos": todos})

    def served(self, server: str, tool: str) -> str:
        return f"{server}_{tool}"


class QwenHarness(ProgramHarness):
    """Qwen Code."""

    PROGRAM = "qwen"
    ARGUMENTS = ("--acp",)
    VARIABLE = "AGOR_QWEN"
    INSTALL = "npm install -g @qwen-code/qwen-code, with Node 22 or newer"
    BEYOND: ClassVar[Mapping[str, str]] = {
        "permission_reject": "Qwen Code ends the turn when a call is rejected, and says no more.",
        "plan": "Qwen Code tells no plan, and has no tool for to-do lists.",
        "overload_after_a_tool": _TRIES.format("Qwen Code"),
    }

    def own_environment(self) -> Mapping[str, str]:
        sees = {"modalities": {"image": True}, "contextWindowSize": 2_000_000, "maxRetries": 0}
        models = [
            {
                "id": name,
                "name": name,
                "envKey": "OPENAI_API_KEY",
                "baseUrl": self.server.url,
                "generationConfig": sees,
            }
            for name in ("scripted-small", "scripted-large")
        ]
        settings = {
            "modelProviders": {"openai": models},
            "model": {"name": "scripted-small"},
            "security": {"auth": {"selectedType": "openai"}},
            "privacy": {"usageStatisticsEnabled": False},
        }
        folder = self.home / ".qwen"
        folder.mkdir(exist_ok=True)
        (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
        return {"OPENAI_API_KEY": "scripted-key"}

    def write(self, path: str, text: str) -> ToolUse:
        return ToolUse(name="write_file", input={"file_path": path, "content": text})

    def run(self, command: str) -> ToolUse:
        line = f"sh -c {shlex.quote(command)}"
        told = {"command": line, "description": "Run it", "is_background": False}
        return ToolUse(name="run_shell_command", input=told)

    def plan(self, entries: Sequence[str]) -> ToolUse:
        todos = [{"id": str(n), "content": entry, "status": "pending"} for n, entry in enumerate(entries)]
        return ToolUse(name="todo_write", input={"todos": todos})

    def served(self, server: str, tool: str) -> str:
        return f"mcp__{server}__{tool}"
