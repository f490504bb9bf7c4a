"""Makes Claude Code do the acts of the conformance suite, by scripts of a fake model."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

from agor_jupyter.agents import registry
from agor_jupyter.agents.base import AgentKind
from agor_jupyter.agents.claude import probe
from agor_jupyter.testing.anthropic_server import AnthropicServer
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

CHUNK = 12


class ClaudeHarness(Scripted):
    """See `conformance.Harness`."""

    def __init__(self) -> None:
        self.kind: AgentKind = registry.get("claude")
        self._server = AnthropicServer()
        super().__init__(self._server, script_of)
        self._program = BrokenProgram(probe, "find_cli")
        self._home = tempfile.TemporaryDirectory(prefix="agor-claude-", ignore_cleanup_errors=True)

    def break_output(self, mark: str) -> None:
        self._program.breaks(mark, Path(self._home.name))

    def mend_output(self) -> None:
        self._program.mend()

    def environment(self) -> dict[str, str]:
        home = self._home.name
        return {**self._server.environment(), "HOME": home, "CLAUDE_CONFIG_DIR": f"{home}/.claude"}

    def options(self) -> dict[str, object]:
        return {}

    async def open(self) -> None:
        await self._server.__aenter__()

    async def close(self) -> None:
        await self._server.__aexit__(None, None, None)
        self._home.cleanup()


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


def _blocks(act: Act) -> list[Block]:
    match act:
        case Say(text=text, seconds=seconds):
            pieces = max(1, len(text) // CHUNK)
            return [Text(text=text, chunk=CHUNK, delay_seconds=seconds / pieces)]
        case Think(text=text):
            return [Thinking(text=text)]
        case Write(path=path, text=text):
            return [ToolUse(name="Write", input={"file_path": path, "content": text})]
        case Run(command=command):
            # Claude Code refuses a plain long `sleep`, but sees no deeper than one shell.
            line = f"sh -c {shlex.quote(command)}" if "sleep" in command else command
            return [ToolUse(name="Bash", input={"command": line, "description": "Run it"})]
        case Ask(question=question, choices=choices, meanings=meanings):
            told = zip(choices, meanings or choices, strict=True)
            options = [{"label": choice, "description": meaning} for choice, meaning in told]
            asked = {"question": question, "header": "Choice", "multiSelect": False, "options": options}
            return [ToolUse(name="AskUserQuestion", input={"questions": [asked]})]
        case MakePlan(entries=entries):
            todos = [{"content": entry, "activeForm": entry, "status": "pending"} for entry in entries]
            return [ToolUse(name="TodoWrite", input={"todos": todos})]
        case UseTool(server=server, tool=tool, arguments=arguments):
            return [ToolUse(name=f"mcp__{server or 'agor'}__{tool}", input=dict(arguments))]
        case CountImages():
            return [Echo(of="images")]
        case Recall():
            # Words in any case: Claude Code joins a prompt that got no visible answer to the next one.
            return [Text(text="I recall: "), Echo(of="prompts")]
