"""What a model, a tool server or a full disk does wrong costs a call or a turn, never the conversation."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.base import McpServer
from agor_jupyter.agents.openai.translate import answer_of, items_of
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.agents.workbench import history as h
from agor_jupyter.agents.workbench.asking import Asking
from agor_jupyter.agents.workbench.failing import ToolFailed
from agor_jupyter.agents.workbench.mcp_servers import MOST_TOOLS, McpServers
from agor_jupyter.agents.workbench.own_tools import OwnTools
from tests.disks import fill, small_disk


def nested(levels: int) -> dict[str, Any]:
    value: Any = "the end"
    for _ in range(levels):
        value = {"a": value}
    return {"a": value}


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("run_shell", {"command": "echo \ud800"}, "surrogate"),
        ("run_shell", {"command": "true", "timeout_seconds": float("nan")}, "finite"),
        ("read_file", {"path": "\ud800"}, "surrogate"),
        ("read_file", {"path": "/proc/self/mem"}, "refused"),
        ("list_files", {"path": "a" * 5000}, "too long"),
        ("write_file", {"path": "a" * 5000, "content": "x"}, "too long"),
        ("write_file", {"path": "x", "content": "\ud800"}, "surrogate"),
        ("edit_file", {"path": "a" * 300, "old_text": "a", "new_text": "b"}, "too long"),
        ("search", {"pattern": "x", "path": "\ud800"}, "surrogate"),
    ],
)
async def test_what_the_system_refuses_is_told_to_the_model(
    tmp_path: Path, name: str, arguments: dict[str, Any], says: str
) -> None:
    own = OwnTools(str(tmp_path), {"PATH": os.environ["PATH"]}, most_seconds=5)
    tool = next(tool for tool in own.all() if tool.spec.name == name)
    with pytest.raises(ToolFailed, match=says):
        await (await tool.look(arguments)).run(lambda piece: None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "entry",
    [
        h.Answered(items=({"args": nested(300)},), calls=(h.Call(id="c", name="t", arguments=nested(300)),)),
        h.Answered(items=({"args": nested(198)},), calls=(h.Call(id="c", name="t", arguments=nested(198)),)),
        h.Answered(text="a\ud83d", calls=(h.Call(id="c", name="t", arguments={"text": "\ud83d"}),)),
        h.Did(call_id="c", name="t", text="half \udc00"),
    ],
)
def test_a_record_can_always_be_read_again(tmp_path: Path, entry: h.Entry) -> None:
    history = h.open_history(str(tmp_path), "", None)
    history.append(h.Prompted(text="go"), entry, h.Did(call_id="c", name="t", text="done"))
    held = list(history.entries)
    history.close()
    again = h.open_history(str(tmp_path), history.reference, None)
    assert again.entries == held
    again.close()


def test_a_full_disk_leaves_no_half_of_an_entry(tmp_path: Path) -> None:
    with small_disk(1) as disk:
        history = h.open_history(str(disk), "", None)
        history.append(h.Prompted(text="before"))
        filler = fill(disk)
        for _ in range(3):
            with pytest.raises(OSError, match="No space"):
                history.append(h.Did(call_id="c", name="t", text="x" * 20_000))
        filler.unlink()
        history.append(h.Prompted(text="after"))
        history.close()
        again = h.open_history(str(disk), history.reference, None)
        assert [entry.text for entry in again.entries if isinstance(entry, h.Prompted)] == ["before", "after"]
        again.close()


def test_arguments_that_are_too_deep_to_parse_are_none() -> None:
    deep = {"type": "function_call", "call_id": "c", "name": "t", "arguments": "[" * 9999 + "]" * 9999}
    answer = answer_of({"output": [deep]})
    assert answer.entry.calls[0].arguments is None
    assert items_of([answer.entry], responses=False)[0]["arguments"] == "{}"


SERVER = """
import json, sys
tools = [{"name": f"t{n}", "inputSchema": {"type": "object"}} for n in range(1000)]
same = [{"name": name, "inputSchema": {"type": "object"}} for name in ("a b", "a.b", 'a"b')]
deep = {"type": "object"}
for _ in range(40):
    deep = {"type": "object", "properties": {"a": deep}}
listed = [*same, {"name": "deep", "inputSchema": deep}, *tools]
for line in sys.stdin:
    asked = json.loads(line)
    if asked.get("method") == "initialize":
        info = {"name": "s", "version": "1"}
        told = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}
    elif asked.get("method") == "tools/list":
        told = {"tools": listed}
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": told}), flush=True)
"""


async def test_of_too_many_tools_the_first_are_taken_and_the_rest_is_said(tmp_path: Path) -> None:
    pytest.importorskip("mcp")
    server = McpServer(name="s", command=(sys.executable, "-c", SERVER))
    box = Outbox()
    servers = McpServers((server,), {}, {"PATH": os.environ["PATH"]}, str(tmp_path), 60.0, Asking(box), box)
    async with asyncio.timeout(90):
        await servers.open()
        names = [tool.spec.name for tool in servers.tools]
        await servers.close()
    assert names[:2] == ["mcp__s__a_b", "mcp__s__t0"], "one of three that models cannot tell apart"
    assert len(names) == MOST_TOOLS
    (notice,) = servers.notices
    assert "804 of the 1004 tools" in notice.text
