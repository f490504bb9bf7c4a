"""What a sub-agent said and did stands apart from its caller's, in every viewer."""

from __future__ import annotations

from typing import Literal

import pytest

from agor_jupyter.domain.blocks import TextBlock, ToolBlock
from agor_jupyter.domain.ids import ToolCallId
from agor_jupyter.transcripts.blocks import draw


def words(kind: Literal["text", "thought"], parent: str | None) -> TextBlock:
    parent_id = ToolCallId(parent) if parent else None
    return TextBlock(
        type=kind, id="m", text="one\n\ntwo", parent_tool_call_id=parent_id, first_seq=1, last_seq=2
    )


@pytest.mark.parametrize("kind", ["text", "thought"])
def test_a_subagents_words_are_quoted_and_name_its_call(kind: Literal["text", "thought"]) -> None:
    nested, own = draw(words(kind, "task"), {}), draw(words(kind, None), {})
    assert (nested.json["parent"], "parent" in own.json) == ("task", False)
    assert nested.json | {"parent": None} == own.json | {"parent": None}
    assert all(line.startswith(">") for line in nested.markdown.split("\n"))
    assert nested.markdown.replace("> ", "").replace(">", "") == own.markdown.replace("> ", "").replace(
        ">", ""
    )
    assert (nested.said, own.said) == (False, kind == "text")  # an answer is only what the agent itself says


def test_a_subagents_call_is_quoted_and_its_code_with_it() -> None:
    call = ToolBlock(
        id=ToolCallId("t"),
        title="Run",
        kind="execute",
        status="completed",
        input={"command": "ls\npwd"},
        parent_tool_call_id=ToolCallId("task"),
        started_ms=0,
        first_seq=1,
        last_seq=1,
    )
    drawn = draw(call, {})
    assert drawn.json["parent"] == "task"
    assert "> pwd" in drawn.markdown
    assert all(line.startswith(">") for line in drawn.markdown.split("\n"))
