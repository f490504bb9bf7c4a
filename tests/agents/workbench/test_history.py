"""The conversation on disk: private, locked, mended after a kill, forked at any end of a turn."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from agor_jupyter.agents.workbench import history as h
from agor_jupyter.agents.workbench.compaction import place_to_keep, transcript
from agor_jupyter.domain.content import Attachment
from agor_jupyter.domain.errors import AgentUnavailable, Conflict
from agor_jupyter.domain.session import ForkPoint

CALLS = (
    h.Call(id="c1", name="run_shell", arguments={"command": "ls"}),
    h.Call(id="c2", name="x", arguments=None),
)


def opened(tmp_path: Path, reference: str = "", fork: ForkPoint | None = None) -> h.History:
    return h.open_history(str(tmp_path), reference, fork)


def test_it_is_private_and_comes_back_whole(tmp_path: Path) -> None:
    history = opened(tmp_path)
    entries: list[h.Entry] = [
        h.Prompted(text="hi", attachments=(Attachment(name="a", media_type="text/plain", data="b"),)),
        h.Answered(text="ho", items=({"any": {"vendor": [1]}},)),
        h.Ended(stop_reason="end_turn"),
    ]
    history.append(*entries)
    file = tmp_path / h.FOLDER / f"{history.reference}.jsonl"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    with pytest.raises(Conflict, match="another runner"):
        opened(tmp_path, history.reference)
    history.close()
    history.close()
    again = opened(tmp_path, history.reference)
    assert again.entries == entries
    again.close()


def test_a_line_that_was_cut_by_a_kill_is_dropped(tmp_path: Path) -> None:
    history = opened(tmp_path)
    history.append(h.Prompted(text="hi"))
    history.close()
    file = tmp_path / h.FOLDER / f"{history.reference}.jsonl"
    with file.open("ab") as torn:
        torn.write(b'{"type": "answered", "te')
    again = opened(tmp_path, history.reference)
    again.append(h.Prompted(text="next"))
    again.close()
    assert [entry.text for entry in opened(tmp_path, history.reference).entries] == ["hi", "next"]  # type: ignore[union-attr]  # both are prompts


def test_unfinished_calls_are_told_as_what_they_are(tmp_path: Path) -> None:
    history = opened(tmp_path)
    history.append(h.Prompted(text="do"), h.Answered(calls=CALLS), h.Began(call_id="c1"))
    history.close()
    again = opened(tmp_path, history.reference)
    mended = [entry for entry in again.entries if isinstance(entry, h.Did)]
    assert [(did.call_id, did.text) for did in mended] == [("c1", h.CUT_OFF), ("c2", h.NOT_RUN)]
    assert h.repair(again.entries) == []
    again.close()


@pytest.mark.parametrize("reference", ["../secret", "0" * 24, "x/../../y", ""])
def test_what_is_not_there_cannot_be_taken_up(tmp_path: Path, reference: str) -> None:
    fork = ForkPoint(native_ref=reference, worktree="/w") if not reference else None
    with pytest.raises(AgentUnavailable, match="no record"):
        opened(tmp_path, reference, fork)


def test_a_damaged_record_says_so(tmp_path: Path) -> None:
    history = opened(tmp_path)
    history.close()
    (tmp_path / h.FOLDER / f"{history.reference}.jsonl").write_text("what\n")
    with pytest.raises(AgentUnavailable, match="damaged"):
        opened(tmp_path, history.reference)


def test_a_fork_is_a_copy_of_the_first_entries(tmp_path: Path) -> None:
    parent = opened(tmp_path)
    parent.append(h.Prompted(text="one"), h.Ended(stop_reason="end_turn"))
    place = parent.place
    parent.append(h.Prompted(text="two"), h.Answered(calls=CALLS))
    point = ForkPoint(native_ref=parent.reference, worktree="/w")
    whole = opened(tmp_path, fork=point)
    assert [entry.type for entry in whole.entries] == [
        "prompted",
        "ended",
        "prompted",
        "answered",
        "did",
        "did",
    ]
    early = opened(tmp_path, fork=point.model_copy(update={"message_ref": place}))
    assert early.entries == parent.entries[:2]
    for wrong in ("99", "-1", "0", "x"):
        with pytest.raises(Conflict, match="no such message"):
            opened(tmp_path, fork=point.model_copy(update={"message_ref": wrong}))
    for each in (parent, whole, early):
        each.close()


def test_what_the_model_is_told_begins_at_the_last_summary() -> None:
    image = Attachment(name="cat.png", media_type="image/png", data="AAAA")
    entries: list[h.Entry] = [
        h.Prompted(text="old"),
        h.Answered(text="older"),
        h.Prompted(text="see", attachments=(image,)),
        h.Summed(text="sum", keep_from=2),
        h.Dropped(),
        h.Prompted(text="new", attachments=(image,)),
    ]
    told = h.told(entries)
    assert [entry.text for entry in told][:1] == ["sum"]
    assert "cat.png" in told[1].text
    assert "see" in told[1].text
    assert not told[1].attachments  # type: ignore[union-attr]  # it is a prompt
    assert told[2] == entries[5]


def test_a_summary_never_parts_a_call_from_its_result() -> None:
    entries: list[h.Entry] = [
        h.Prompted(text="p" * 400),
        h.Answered(text="a" * 40, calls=CALLS),
        h.Did(call_id="c1", name="run_shell", text="r" * 400),
        h.Did(call_id="c2", name="x", text="r" * 400),
        h.Answered(text="b" * 40),
    ]
    assert place_to_keep(entries, 0, 10_000) == 0
    assert place_to_keep(entries, 0, 250) == 1
    assert place_to_keep(entries, 0, 150) == 4  # a result alone fits, but not its call
    assert place_to_keep(entries, 0, 0) == 5
    text = transcript("before", [*entries, h.Did(call_id="z", name="z", text="z" * 9000)])
    assert "Agent calls run_shell: {'command': 'ls'}" in text
    assert "bytes left out" in text
