"""Events of a task, folded into what one display shows."""

from __future__ import annotations

import json
from typing import Any

from agor_jupyter.domain.ids import SessionId
from agor_jupyter.magics.display import UPDATES_A_SECOND, Painter
from agor_jupyter.magics.fold import KEPT_BLOCKS, TURN_MIME, Fold
from agor_jupyter.store.memory import open_memory
from tests.client.fake import ASK, ended, said
from tests.transcripts.story import SES, Story, task_id


def fold_of(*updates: dict[str, Any]) -> Fold:
    fold = Fold("ses_1", "task_1")
    for seq, update in enumerate(updates, 1):
        fold.feed({"seq": seq, "task_id": "task_1", "update": update})
    return fold


def test_chunks_join_and_an_end_ends() -> None:
    fold = fold_of({"type": "task_started"}, said("Hel"), said("lo"), ended())
    assert [block["text"] for block in fold.blocks] == ["Hello"]
    assert (fold.state, fold.over, fold.seq) == ("end_turn", True, 4)
    assert "1,200 in / 90 out" in fold.markdown()
    assert fold.text() == "Hello"
    json.dumps(fold.bundle())


def test_a_request_says_how_to_answer() -> None:
    fold = fold_of(ASK)
    assert fold.state == "waiting"
    assert "%agor answer req_aaaaaaaa1234abcd allow|always|reject" in fold.markdown()
    assert "from another notebook" in fold.markdown()  # a cell of this one waits behind this cell
    answer = {"type": "permission_resolved", "request_id": ASK["request_id"], "outcome": "selected"}
    fold.feed({"seq": 9, "task_id": "task_1", "update": {**answer, "option_id": "o1", "by": "bea"}})
    assert fold.state == "running"
    assert "**bea** allowed" in fold.markdown()


def test_options_that_the_usual_words_cannot_tell_apart_go_by_their_names() -> None:
    options = [
        {"option_id": "start asking", "name": "Start; ask before each edit", "kind": "allow_once"},
        {"option_id": "free", "name": "Start; edit *freely*", "kind": "allow_once"},
        {"option_id": "stay", "name": "Keep planning", "kind": "reject_once"},
    ]
    said = fold_of({**ASK, "options": options}).markdown()
    assert f"%agor answer {ASK['request_id']} 'start asking'|free|stay" in said
    assert r"- Start; edit \*freely\*: <code>free</code>" in said
    # A change of mode has no *always* of its own, even where each kind is there once.
    plan = fold_of({**ASK, "kind": "switch_mode"}).markdown()
    assert f"%agor answer {ASK['request_id']} o1|o2" in plan


def test_several_questions_take_several_answers() -> None:
    questions = [{"question": "Which?"}, {"question": "Why?"}]
    said = fold_of({**ASK, "options": [], "questions": questions, "description": "Kept in the log.\nMore."})
    assert f'%agor answer {ASK["request_id"]} "ANSWER 1" "ANSWER 2"' in said.markdown()
    assert "Kept in the log." in said.markdown() and "More." not in said.markdown()


def test_who_acted_is_called_by_name_and_words_for_the_turn_are_quoted() -> None:
    answer = {"type": "permission_resolved", "request_id": ASK["request_id"], "outcome": "selected"}
    fold = fold_of(
        ASK,
        {**answer, "option_id": "o1", "by": "local", "by_name": "Bea"},
        {"type": "steered", "by": "local", "by_name": "Ann", "text": "mind\n<b>it</b>"},
    )
    assert "**Bea** allowed" in fold.markdown()
    assert "> **Ann:**\n> mind\n> &lt;b>it&lt;/b>" in fold.markdown()
    assert "mind" not in fold.text()  # they are not the agent's words


def test_other_tasks_are_not_shown() -> None:
    fold = fold_of()
    assert not fold.feed({"seq": 5, "task_id": "task_2", "update": said("other")})
    assert fold.seq == 5
    assert not fold.blocks


def test_nothing_comes_alive() -> None:
    hostile = "<script>alert(1)</script>"
    fold = fold_of(
        said(hostile),
        {"type": "tool_call", "tool_call_id": "t", "title": hostile, "input": {"command": hostile}},
        {**ASK, "title": hostile},
        ended("failed", error=hostile),
    )
    assert "<script>" not in fold.markdown().replace("```\n<script>", "")


def test_a_long_turn_stays_small() -> None:
    calls = [{"type": "tool_call", "tool_call_id": f"t{n}", "title": f"step {n}"} for n in range(1000)]
    fold = fold_of(*calls, said("done"))
    assert len(fold.blocks) == KEPT_BLOCKS
    assert "earlier steps are in the transcript" in fold.markdown()
    assert fold.markdown().count("step ") == 39


async def test_it_understands_what_the_domain_writes() -> None:
    """The wire is the domain's own JSON: every kind of event must fold."""
    store = open_memory()
    story = await Story(store).begin()
    await story.whole(1)
    fold = Fold(SES, task_id(1))
    for event in await store.log.read(SessionId(SES)):
        fold.feed(json.loads(event.model_dump_json()))
    assert fold.over
    kinds = [block["type"] for block in fold.blocks]
    assert kinds == ["thinking", "tool", "permission", "tool", "notice", "text"]
    assert fold.blocks[1]["output"] == "2 passed"
    await store.close()


class Recorder:
    def __init__(self) -> None:
        self.bundles: list[dict[str, Any]] = []

    def update(self, data: dict[str, Any], *, raw: bool) -> None:
        self.bundles.append(data)


async def test_painting_is_limited_and_the_last_state_is_painted() -> None:
    import asyncio
    import time

    fold, recorder = Fold("ses_1", "task_1"), Recorder()
    painter = Painter(fold, lambda bundle: recorder)
    began = time.monotonic()
    for seq in range(100):
        fold.feed({"seq": seq, "task_id": "task_1", "update": said(f"w{seq} ")})
        painter.changed()
        await asyncio.sleep(0.005)
    took = time.monotonic() - began
    assert 1 <= len(recorder.bundles) <= took * UPDATES_A_SECOND + 1
    async with asyncio.timeout(2):
        while "w99 " not in recorder.bundles[-1][TURN_MIME]["blocks"][-1]["text"]:
            await asyncio.sleep(0.01)


def test_a_call_that_is_named_like_a_request_takes_no_answer() -> None:
    call = {"type": "tool_call", "tool_call_id": ASK["request_id"], "title": "ls"}
    printed = {"type": "tool_call_update", "tool_call_id": ASK["request_id"], "output_delta": "a.py"}
    answer = {"type": "permission_resolved", "request_id": ASK["request_id"], "outcome": "cancelled"}
    fold = fold_of(ASK, call, answer, printed)
    assert [block.get("state") for block in fold.blocks] == ["cancelled", None]
    assert fold.blocks[-1]["output"] == "a.py"
