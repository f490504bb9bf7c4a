"""Old cells and new ones: the operations between them, and what they never touch."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agor_jupyter.transcripts import patch
from agor_jupyter.transcripts.notebook import Drawing, is_own, new_notebook, prompt_sha
from agor_jupyter.transcripts.read import fork_point, prompts


def own(number: int, outputs: list[str], *, seq: int | None = None, state: str = "running") -> dict[str, Any]:
    source = f"%%agor\nprompt {number}"
    agor = {"task": f"task_{number}", "first_seq": number if seq is None else seq, "state": state}
    return {
        "cell_type": "code",
        "id": f"agor-task_{number}",
        "source": source,
        "execution_count": None,
        "metadata": {"agor": {**agor, "source_sha": prompt_sha(source)}, "tags": ["agor-turn"]},
        "outputs": [
            {"output_type": "display_data", "data": {"text/plain": o}, "metadata": {}} for o in outputs
        ],
    }


def note(name: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "source": f"mine {name}", "metadata": {}}


def drawn(
    old: list[dict[str, Any]], new: list[dict[str, Any]], *, seen: int = -1, whole: bool = False
) -> Any:
    agor = {"last_seq": seen} if seen >= 0 else {}
    notebook = new_notebook(agor, old)
    before = copy.deepcopy(notebook)
    operations = patch.plan(agor, old, Drawing({"last_seq": 9}, tuple(new), whole))
    result = patch.apply(notebook, operations)
    assert notebook == before, "apply gives a new notebook"
    return operations, result["cells"]


def kinds(operations: list[Any]) -> list[str]:
    return [
        type(operation).__name__
        for operation in operations
        if not isinstance(operation, patch.SetNotebookMetadata)
    ]


def test_growing_outputs_touch_only_the_last() -> None:
    operations, cells = drawn([own(1, ["a", "b"])], [own(1, ["a", "bc", "d"])], seen=1)
    assert kinds(operations) == ["ReplaceLastOutput", "AppendOutput"]
    assert cells == [own(1, ["a", "bc", "d"])]


def test_an_earlier_output_resets_all() -> None:
    operations, _ = drawn([own(1, ["a", "b"])], [own(1, ["x", "b"])], seen=1)
    assert kinds(operations) == ["ResetOutputs"]


def test_nothing_to_do() -> None:
    assert kinds(drawn([own(1, ["a"])], [own(1, ["a"])], seen=1)[0]) == []


def test_a_cell_that_a_person_deleted_stays_away() -> None:
    operations, cells = drawn([own(1, [])], [own(1, []), own(2, [])], seen=2)
    assert kinds(operations) == []
    assert [cell["id"] for cell in cells] == ["agor-task_1"]


def test_unless_all_is_drawn_again() -> None:
    _, cells = drawn([note("n"), own(3, [])], [own(1, []), own(2, []), own(3, [])], seen=3, whole=True)
    assert [cell["id"] for cell in cells] == ["n", "agor-task_1", "agor-task_2", "agor-task_3"]


def test_a_prompt_that_a_person_edited_stays_theirs() -> None:
    edited = {**own(1, ["a"]), "source": "%%agor\nmine"}
    _, cells = drawn([edited], [own(1, ["a", "b"])], seen=1)
    assert cells[0]["source"] == "%%agor\nmine"
    assert len(cells[0]["outputs"]) == 2


def test_other_metadata_and_tags_stay() -> None:
    old = own(1, [])
    old["metadata"] |= {"collapsed": True, "tags": ["mine"]}
    _, cells = drawn([old], [own(1, [], state="end_turn")], seen=1)
    assert cells[0]["metadata"]["collapsed"] is True
    assert cells[0]["metadata"]["tags"] == ["mine", "agor-turn"]
    assert cells[0]["metadata"]["agor"]["state"] == "end_turn"


def test_a_cell_turned_into_markdown_is_left_alone() -> None:
    old = {"cell_type": "markdown", "id": "agor-task_1", "source": "now mine", "metadata": {}}
    assert drawn([old], [own(1, ["a"])], seen=1)[1] == [old]


texts = st.lists(st.sampled_from("abc"), max_size=4)
numbers = st.lists(st.integers(1, 6), unique=True, max_size=5)


@given(old=numbers, new=numbers, data=st.data(), notes=st.lists(st.integers(0, 5), max_size=3))
def test_drawn_whole_ours_are_the_new_ones_and_theirs_are_untouched(
    old: list[int], new: list[int], data: st.DataObject, notes: list[int]
) -> None:
    before = [
        own(n, data.draw(texts), state=data.draw(st.sampled_from(["running", "end_turn"])))
        for n in sorted(old)
    ]
    for number, place in enumerate(notes):
        before.insert(min(place, len(before)), note(f"n{number}"))
    after = [own(n, data.draw(texts)) for n in sorted(new)]
    operations, cells = drawn(before, after, whole=True)
    assert [cell for cell in cells if is_own(cell)] == after
    assert [cell for cell in cells if not is_own(cell)] == [cell for cell in before if not is_own(cell)]
    assert not patch.plan({"last_seq": 9}, cells, Drawing({"last_seq": 9}, tuple(after), True)), operations


@given(old=texts, new=texts)
def test_outputs_become_the_new_ones_by_legal_steps(old: list[str], new: list[str]) -> None:
    operations, cells = drawn([own(1, old)], [own(1, new)], seen=1)
    assert cells == [own(1, new)]
    assert len([name for name in kinds(operations) if name in ("ReplaceLastOutput", "ResetOutputs")]) <= 1


def test_read_prompts_and_fork_point() -> None:
    cell = own(1, [])
    cell["metadata"]["agor"] |= {
        "session": "ses_1",
        "prompt_sha": prompt_sha("prompt 1"),
        "fork": {"agent_session": "n", "before": None, "after": "m2", "git": {"before": "s1", "after": "s2"}},
    }
    edited = {**copy.deepcopy(cell), "source": "%%agor\nother"}
    mine = {**note("x"), "cell_type": "code", "source": "%%agor ses_1 --mode plan\nhello"}
    notebook = new_notebook({}, [cell, note("n"), mine])
    assert [(p.task, p.text, p.edited) for p in prompts(notebook)] == [
        ("task_1", "prompt 1", False),
        (None, "hello", False),
    ]
    assert prompts(new_notebook({}, [edited]))[0].edited
    point = fork_point(notebook, "agor-task_1")
    assert point is not None
    assert (point.session, point.after_message, point.before_sha) == ("ses_1", "m2", "s1")
    assert fork_point(notebook, "x") is None
