"""The acts of the conformance suite as scripts for agents that have the bench's tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agor_jupyter.agents.workbench.mcp_servers import tool_name
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
from agor_jupyter.testing.model_script import Block, Echo, Script, Text, Thinking, ToolUse, Turn

CHUNK = 12
IN_PROCESS = "there is no program of its own whose output could break"
SOON: Mapping[str, object] = {"max_retries": 1, "retry_seconds": 0.1, "mcp_start_seconds": 3}
"""Give up soon: a scripted model that fails does so each time, and a mute tool server stays mute."""


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
            return [ToolUse(name="write_file", input={"path": path, "content": text})]
        case Run(command=command):
            return [ToolUse(name="run_shell", input={"command": command})]
        case Ask(question=question, choices=choices, meanings=meanings):
            asked = {"question": question, "choices": list(choices), "descriptions": list(meanings)}
            return [ToolUse(name="ask_person", input=asked)]
        case MakePlan(entries=entries):
            return [ToolUse(name="update_plan", input={"steps": [{"content": entry} for entry in entries]})]
        case UseTool(server=server, tool=tool, arguments=arguments):
            return [ToolUse(name=tool_name(server, tool) if server else tool, input=dict(arguments))]
        case CountImages():
            return [Echo(of="images")]
        case Recall():
            return [Echo(of="prompts")]
