"""What a turn looks like as a cell, and that nothing in it comes alive in another viewer."""

from __future__ import annotations

import html
import json
import warnings
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter

from agor_jupyter.domain.content import Attachment, PermissionOption, Question, TerminalContent, TextContent
from agor_jupyter.domain.events import (
    PermissionRequest,
    PermissionResolved,
    Steered,
    TaskQueued,
    ToolCall,
    ToolCallUpdate,
)
from agor_jupyter.domain.ids import RequestId, SessionId, TaskId, ToolCallId, UserId
from agor_jupyter.domain.session import ForkOrigin
from agor_jupyter.transcripts.notebook import ACTIVITY_MIME, TEXT_MIME, USAGE_MIME, new_notebook
from agor_jupyter.transcripts.render import Place, notebook_agor, render_head, render_turn
from agor_jupyter.transcripts.turns import Turn, fold
from tests.transcripts.story import SES, Story

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> ![t](http://evil/?q=1) <!-- x --> </details>"


async def turn_of(story: Story) -> Turn:
    turn = None
    for event in await story.store.log.read(SES, limit=100_000, task_id=story.task):
        turn = fold(turn, event)
    assert turn is not None
    return turn


async def draw(story: Story) -> dict[str, Any]:
    session = await story.store.log.session(SES)
    assert session is not None
    return render_turn(session, await turn_of(story), {"ann": "Ann", "bea": "Bea"})


async def notebook_of(story: Story, *cells: dict[str, Any]) -> dict[str, Any]:
    session = await story.store.log.session(SES)
    assert session is not None
    place = Place("fix-parser", "agor/fix-parser")
    agor = notebook_agor(session, place, last_seq=session.last_seq)
    return new_notebook(agor, [render_head(session, place), *cells])


def html_of(notebook: dict[str, Any]) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # nbconvert 7.17 itself uses a deprecated name of traitlets or mistune now and then: not ours.
        warnings.simplefilter("ignore", DeprecationWarning)
        exporter = HTMLExporter(template_name="basic")
        return exporter.from_notebook_node(nbformat.from_dict(notebook))[0]


async def test_a_fork_names_where_it_began(story: Story) -> None:
    session = await story.store.log.session(SES)
    assert session is not None
    task = TaskId("task_0000000000000007")
    fork = session.model_copy(
        update={
            "parent_id": SessionId("ses_0000000000000007"),
            "genealogy": "fork",
            "origin": ForkOrigin(task_id=task, sha="abc", replayed=True),
        }
    )
    agor = notebook_agor(fork, Place(), last_seq=1)
    assert agor["parent"] == {"session": fork.parent_id, "task": task, "sha": "abc", "replayed": True}
    assert "fork of" in render_head(fork, Place())["source"]
    assert notebook_agor(session, Place(), last_seq=1)["parent"] is None


async def test_whole_turn_as_golden(story: Story) -> None:
    await story.whole(1)
    notebook = await notebook_of(story, await draw(story))
    nbformat.validate(nbformat.from_dict(notebook))
    golden = GOLDEN / "whole.agor.ipynb"
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if not golden.exists():
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, "utf-8")
        pytest.fail("the golden file was missing; look at the one just written")
    assert text == golden.read_text("utf-8")


async def test_metadata_holds_the_fork_point(story: Story) -> None:
    await story.whole(1)
    cell = await draw(story)
    agor = cell["metadata"]["agor"]
    assert cell["id"] == "agor-task_0000000000000001"
    assert cell["metadata"]["tags"] == ["agor-turn"]
    assert (agor["state"], agor["role"], agor["by"]) == ("end_turn", "user", "Ann")
    assert agor["checkpoint"] == {"start": "5" * 40, "end": "e" * 40}
    assert agor["fork"]["agent_session"] == "native-1"
    assert agor["fork"]["after"] == "ref-task_0000000000000001"


async def test_states(story: Story) -> None:
    await story.prompt(1)
    await story.start()
    assert (await draw(story))["metadata"]["agor"]["state"] == "running"
    await story.ask()
    waiting = await draw(story)
    assert waiting["metadata"]["agor"]["state"] == "waiting"
    assert "%agor answer req_aaaaaaaa1234abcd allow" in waiting["outputs"][-1]["data"]["text/markdown"]
    await story.answer("no", "not now")
    text = (await draw(story))["outputs"][-1]["data"]["text/markdown"]
    assert "**Bea** rejected" in text
    assert "not now" in text
    await story.end("cancelled")
    assert (await draw(story))["metadata"]["agor"]["state"] == "interrupted"


async def test_answers_to_questions_are_shown_with_who(story: Story) -> None:
    await story.prompt(1)
    await story.start()
    question = Question(
        question="Which <b>colour</b>?",
        choices=("red", "*blue*"),
        descriptions=("as a <i>rose</i>", "y" * 400),
        own=True,
    )
    request = RequestId("req_q")
    asked = PermissionRequest(request_id=request, title="Asks", questions=(question,), digest="d")
    await story.say(asked.model_copy(update={"description": "Kept in the <b>log</b>.\nMore."}))
    waiting = (await draw(story))["outputs"][-1]["data"]["text/markdown"]
    assert "log" in waiting and "<b>" not in waiting and "More." not in waiting
    offered = [line for line in waiting.splitlines() if line.startswith("  - ")]
    assert offered[0] == "  - red: as a &lt;i&gt;rose&lt;/i&gt;"
    assert offered[1] == rf"  - \*blue\*: {'y' * 400}"
    assert "your own words" in offered[2] and len(offered) == 3
    answers = {question.question: "blue"}
    await story.say(PermissionResolved(request_id=request, outcome="selected", by="bea", answers=answers))
    output = (await draw(story))["outputs"][-1]
    assert output["data"][ACTIVITY_MIME]["blocks"][0]["answers"] == answers
    assert "**Bea** answered" in output["data"]["text/markdown"]
    assert "<b>" not in output["data"]["text/markdown"]


async def test_a_waiting_plan_names_its_options(story: Story) -> None:
    await story.prompt(1)
    await story.start()
    options = (
        PermissionOption(option_id="ask`first", name="Start; ask before each edit", kind="allow_once"),
        PermissionOption(option_id="freely", name="Start; edit *freely*", kind="allow_once"),
        PermissionOption(option_id="stay", name="Keep planning", kind="reject_once"),
    )
    request = PermissionRequest(request_id=RequestId("req_p"), title="Plan", options=options, digest="d")
    await story.say(request)
    text = (await draw(story))["outputs"][-1]["data"]["text/markdown"]
    assert "`" not in text  # an id's own backtick would end the code
    assert "%agor answer req_p 'ask`first'|freely|stay</code>" in html.unescape(text)
    assert r"- Start; edit \*freely\*: <code>freely</code>" in text


@pytest.mark.parametrize("wrapped", ["{}", "```\n{}", "text ``` {} ```", "`{}`", "\\`{}`", "a `\nb ` {} ` c"])
async def test_nothing_an_agent_says_comes_alive(story: Story, wrapped: str) -> None:
    hostile = wrapped.format(HOSTILE)
    await story.prompt(1, hostile)
    await story.start()
    await story.words(hostile)
    call = ToolCallId("t")
    await story.say(
        ToolCall(tool_call_id=call, title=hostile, input={"command": hostile, hostile: hostile}),
        ToolCallUpdate(
            tool_call_id=call,
            content=(TextContent(text=hostile), TerminalContent(text=f"```\n{hostile}\n````")),
        ),
    )
    option = PermissionOption(option_id=hostile, name=hostile, kind="allow_once")
    request = PermissionRequest(
        request_id=RequestId("r"), title=hostile, description=hostile, options=(option,), digest="d"
    )
    await story.say(request)
    await story.answer(hostile, hostile, "r")
    await story.end("failed", error=hostile, hint=hostile)
    html = html_of(await notebook_of(story, await draw(story)))
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "onerror=alert(2)>" not in html.replace("&gt;", "")
    assert html.count("<details>") == html.count("</details>")


async def test_a_huge_tool_output_keeps_head_and_tail(story: Story) -> None:
    await story.prompt(1)
    await story.start()
    await story.tool(output="HEAD" + "x" * 100_000 + "TAIL")
    block = (await draw(story))["outputs"][0]["data"][ACTIVITY_MIME]["blocks"][0]
    assert block["output"].startswith("HEAD")
    assert block["output"].endswith("TAIL")
    assert len(block["output"]) < 4300


async def test_terminal_codes_are_stripped(story: Story) -> None:
    await story.prompt(1)
    await story.start()
    await story.tool(output="\x1b[31mred\x1b[0m\r\n 10%\r 20%\r 30%\n\x1b]0;title\x07end\x00")
    block = (await draw(story))["outputs"][0]["data"][ACTIVITY_MIME]["blocks"][0]
    assert block["output"] == "red\n 30%\nend"


@pytest.mark.parametrize("prompt", ["", "x" * 1_000_000, "%%agor\n%%agor", "\ud800 lone", "é" * 40_000])
async def test_any_prompt_makes_a_valid_cell(story: Story, prompt: str) -> None:
    await story.prompt(1, prompt)
    await story.start()
    cell = await draw(story)
    notebook = await notebook_of(story, cell)
    nbformat.validate(nbformat.from_dict(notebook))
    json.dumps(notebook, ensure_ascii=False).encode()
    assert len(cell["source"].encode()) < 70_000


async def test_segments_alternate_and_never_exceed_fifty(story: Story) -> None:
    await story.prompt(1)
    await story.start()
    for number in range(200):
        await story.words(f"word {number}", f"m{number}")
        await story.tool(f"t{number}")
    await story.end()
    outputs = (await draw(story))["outputs"]
    assert len(outputs) <= 50
    assert USAGE_MIME in outputs[-1]["data"]
    ids = [
        block["id"]
        for output in outputs[:-1]
        for block in (output["data"].get(TEXT_MIME) or output["data"][ACTIVITY_MIME])["blocks"]
    ]
    assert len(ids) == len(set(ids)) == 400


async def test_a_stream_touches_only_the_last_output(story: Story) -> None:
    """JupyterLab 4.6 shows a change of an earlier output in the wrong place."""
    await story.prompt(1)
    await story.start()
    before: list[Any] = []
    resets = 0
    for number in range(120):
        await (story.words(f"w{number} ") if number % 3 else story.tool(f"t{number}"))
        after = (await draw(story))["outputs"]
        resets += before[:-1] != after[: max(0, len(before) - 1)]
        before = after
    # 80 runs of words and doings: the groups double once, and only then is everything drawn anew.
    assert resets == 1


async def test_a_fence_is_longer_than_any_run_of_backticks(story: Story) -> None:
    await story.prompt(1)
    await story.start()
    await story.tool(output="a\n`````\nb")
    assert "``````\n" in (await draw(story))["outputs"][0]["data"]["text/markdown"]
    await story.edit("a\n", "b\n")
    assert (
        "```diff\n--- parser.py\n+++ parser.py" in (await draw(story))["outputs"][0]["data"]["text/markdown"]
    )


async def test_words_put_into_the_turn_are_quoted_between_the_agents(story: Story) -> None:
    await story.prompt(1)
    await story.start()
    await story.words("First.")
    note = Attachment(name="a`b.txt", media_type="text/plain", data="x")
    said = f"Mind the **gap**\n\n# and {HOSTILE}"
    await story.say(Steered(by=UserId("bea"), text=said, attachments=(note,)))
    await story.words("Then.", "m2")
    cell = await draw(story)
    kinds = [next(iter(output["data"])) for output in cell["outputs"]]
    assert kinds == [TEXT_MIME, ACTIVITY_MIME, TEXT_MIME]
    (block,) = cell["outputs"][1]["data"][ACTIVITY_MIME]["blocks"]
    assert (block["type"], block["by"], block["by_id"], block["attached"]) == (
        "steered", "Bea", "bea", ["a`b.txt"],
    )  # fmt: skip
    markdown = cell["outputs"][1]["data"]["text/markdown"]
    assert all(line.startswith(">") for line in markdown.split("\n"))
    assert "**Bea:**" in markdown and "Mind the **gap**" in markdown
    html = html_of(await notebook_of(story, cell))
    assert "<blockquote>" in html and "<script>" not in html and "onerror=alert(2)>" not in html


async def test_a_name_that_is_kept_with_the_act_is_shown(story: Story) -> None:
    story.task = "task_0000000000000001"  # type: ignore[assignment]  # an id of this form
    await story.say(TaskQueued(by=UserId("local"), by_name="Cleo", prompt="go"))
    await story.start()
    await story.ask()
    resolved = PermissionResolved(
        request_id=RequestId("req_aaaaaaaa1234abcd"),
        outcome="selected",
        option_id="yes",
        by="local",
        by_name="Dora",
    )
    await story.say(resolved, Steered(by=UserId("local"), by_name="Eve", text="on"))
    cell = await draw(story)
    assert cell["metadata"]["agor"]["by"] == "Cleo"
    markdown = "".join(output["data"]["text/markdown"] for output in cell["outputs"])
    assert "**Dora** allowed" in markdown and "**Eve:**" in markdown and "local" not in markdown
