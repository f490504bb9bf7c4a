"""Makes Codex do the acts of the conformance suite, by scripts of a fake model."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from agor_jupyter.agents import registry
from agor_jupyter.agents.base import AgentKind
from agor_jupyter.agents.codex import probe
from agor_jupyter.testing.conformance import (
    Act,
    Ask,
    CountImages,
    MakePlan,
    Recall,
    Run,
    Say,
    Think,
    UseTool,
    Write,
)
from agor_jupyter.testing.harnesses.faults import BrokenProgram
from agor_jupyter.testing.harnesses.scripted import Scripted
from agor_jupyter.testing.model_script import Block, Echo, Script, Text, Thinking, ToolUse, Turn
from agor_jupyter.testing.responses_server import ResponsesServer

CHUNK = 12


class CodexHarness(Scripted):
    """See `conformance.Harness`."""

    def __init__(self) -> None:
        self.kind: AgentKind = registry.get("codex")
        self._server = ResponsesServer()
        super().__init__(self._server, script_of)
        self._folder = tempfile.TemporaryDirectory(prefix="agor-codex-", ignore_cleanup_errors=True)
        self._home = Path(self._folder.name)
        self._program = BrokenProgram(probe, "find_program")

    def break_output(self, mark: str) -> None:
        self._program.breaks(mark, Path(self._folder.name))

    def mend_output(self) -> None:
        self._program.mend()

    def environment(self) -> dict[str, str]:
        return {**self._server.environment(), **places_of(self._home)}

    def options(self) -> dict[str, object]:
        return {}

    async def open(self) -> None:
        await self._server.__aenter__()
        make_home(self._home, self._server.codex_config())

    async def close(self) -> None:
        await self._server.__aexit__(None, None, None)
        self._folder.cleanup()


def places_of(home: Path) -> dict[str, str]:
    """Codex refuses to work where CODEX_HOME lies below TMPDIR: so they stand side by side."""
    return {"HOME": str(home), "CODEX_HOME": str(home / ".codex"), "TMPDIR": str(home / "tmp")}


def make_home(home: Path, config: str) -> None:
    (home / ".codex").mkdir(parents=True)
    (home / "tmp").mkdir()
    (home / ".codex" / "config.toml").write_text(config, encoding="utf-8")


def script_of(acts: Sequence[Act]) -> Script:
    """A tool call ends a turn of the model; words and thoughts before it belong to the same one."""
    turns: list[Turn] = []
    blocks: list[Block] = []
    for act in acts:
        made = _blocks(act)
        blocks += made
        if any(isinstance(block, ToolUse) for block in made):
            turns.append(Turn(blocks=tuple(blocks)))
            blocks = []
        if isinstance(act, Ask) or (isinstance(act, UseTool) and not act.silent):
            blocks.append(Echo(of="results"))
    if blocks:
        hold = max((act.after_seconds for act in acts if isinstance(act, Say)), default=0.0)
        turns.append(Turn(blocks=tuple(blocks), hold_seconds=hold))
    return Script(turns=tuple(turns))


def add_file(path: str, text: str) -> str:
    """Write the patch that makes a file."""
    lines = "".join(f"+{line}\n" for line in text.removesuffix("\n").split("\n"))
    return f"*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch\n"


def escalated(command: str) -> ToolUse:
    """Run a command outside the sandbox: what Codex asks a person for."""
    asked = {"sandbox_permissions": "require_escalated", "justification": "May I?"}
    return ToolUse(name="exec_command", input={"cmd": command, "yield_time_ms": 30000, **asked})


def _blocks(act: Act) -> list[Block]:
    match act:
        case Say(text=text, seconds=seconds):
            pieces = max(1, len(text) // CHUNK)
            return [Text(text=text, chunk=CHUNK, delay_seconds=seconds / pieces)]
        case Think(text=text):
            return [Thinking(text=text)]
        case Write(path=path, text=text):
            return [ToolUse(name="apply_patch", input={"input": add_file(path, text)})]
        case Run(command=command):
            return [escalated(command)]
        case Ask(question=question, choices=choices, meanings=meanings):
            told = zip(choices, meanings or choices, strict=True)
            options = [{"label": choice, "description": meaning} for choice, meaning in told]
            asked = {"id": "one", "header": "Choice", "question": question, "options": options}
            return [ToolUse(name="request_user_input", input={"questions": [asked]})]
        case MakePlan(entries=entries):
            plan = [{"step": entry, "status": "pending"} for entry in entries]
            return [ToolUse(name="update_plan", input={"plan": plan})]
        case UseTool(server=server, tool=tool, arguments=arguments):
            name = f"mcp__{server}__{tool}" if server else tool
            return [ToolUse(name=name, input=dict(arguments))]
        case CountImages():
            return [Echo(of="images")]
        case Recall():
            return [Echo(of="prompts")]
