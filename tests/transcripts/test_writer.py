"""The job that follows the log, drawing into files."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from agor_jupyter.domain.errors import NotFound
from agor_jupyter.domain.events import SessionUpdated
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.domain.ports import Behind
from agor_jupyter.store.facade import Store
from agor_jupyter.transcripts import drawer as drawer_module
from agor_jupyter.transcripts.read import last_seq, session_of
from agor_jupyter.transcripts.sink import FileSink, read_file, serialise
from agor_jupyter.transcripts.writer import Pace, TranscriptWriter
from tests.transcripts.story import ANN, SES, Story, cells_of, worktree_of

QUICK = Pace(live=0.02, file=0.02, load=1.0, settle=0.05, silence=0.2)


async def wait_until(condition: Callable[[], Any], seconds: float = 40) -> Any:
    async with asyncio.timeout(seconds):
        while not (found := condition()):
            await asyncio.sleep(0.03)
        return found


def writer_of(store: Store, root: Path, pace: Pace = QUICK) -> TranscriptWriter:
    return TranscriptWriter(store.log, FileSink(), root, worktree_of, pace=pace)


@pytest.fixture
async def writer(store: Store, tmp_path: Path) -> AsyncIterator[TranscriptWriter]:
    writer = writer_of(store, tmp_path / "transcripts")
    await writer.start()
    yield writer
    await writer.close()


def state_of(path: Path, at: int = -1) -> str:
    notebook = read_file(path)
    if notebook is None or len(notebook["cells"]) < 2:
        return ""
    return str(notebook["cells"][at]["metadata"].get("agor", {}).get("state", ""))


async def path_of(writer: TranscriptWriter, store: Store) -> Path:
    session = await store.log.session(SES)
    assert session is not None
    return await writer.path_of(session)


async def test_the_heading_calls_the_agent_as_people_do(story: Story, store: Store, tmp_path: Path) -> None:
    titles = {"demo": "The *demo*"}
    writer = TranscriptWriter(
        store.log, FileSink(), tmp_path / "t", worktree_of, title_of=lambda kind: titles[kind], pace=QUICK
    )
    await story.prompt(1)
    await story.start()
    await story.end()
    path = await writer.rebuild(SES)
    notebook = nbformat.read(path, as_version=4)
    assert "**The \\*demo\\*" in notebook.cells[0].source
    assert notebook.metadata["agor"]["agent"] == "demo", "programs go by the kind"
    await writer.close()


async def test_a_turn_is_drawn_while_it_runs_and_when_it_ends(
    writer: TranscriptWriter, story: Story, store: Store
) -> None:
    path = await path_of(writer, store)
    assert path.name == "fix-parser-fix-the-parser-1234abcd.agor.ipynb"
    await story.prompt(1)
    await story.start()
    await wait_until(lambda: state_of(path) == "running")
    await story.words("Hello ")
    await story.words("world")
    await wait_until(lambda: "Hello world" in path.read_text())
    await story.end()
    await wait_until(lambda: state_of(path) == "end_turn")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    session = await store.log.session(SES)
    assert session is not None
    assert last_seq(read_file(path) or {}) == session.last_seq
    await wait_until(lambda: not writer._entries), "an idle session is forgotten"


async def test_a_queued_prompt_is_not_drawn(writer: TranscriptWriter, story: Story, store: Store) -> None:
    await story.whole(1)
    await story.prompt(2, "later")
    path = await path_of(writer, store)
    await wait_until(lambda: state_of(path) == "end_turn")
    assert len(cells_of(path)) == 2
    await story.start()
    await wait_until(lambda: len(cells_of(path)) == 3)


async def test_people_keep_their_cells(writer: TranscriptWriter, story: Story, store: Store) -> None:
    await story.whole(1)
    path = await path_of(writer, store)
    await wait_until(lambda: state_of(path) == "end_turn")
    await wait_until(lambda: not writer._entries)
    notebook = read_file(path)
    assert notebook is not None
    mine = {"cell_type": "markdown", "id": "mine", "source": "my notes", "metadata": {}}
    notebook["cells"].insert(1, mine)
    notebook["cells"].append({**mine, "id": "mine-2"})
    path.write_text(serialise(notebook))
    await story.whole(2)
    await wait_until(lambda: state_of(path) == "end_turn" and len(cells_of(path)) == 5)
    assert [cell["id"][-1] for cell in cells_of(path)] == ["d", "e", "1", "2", "2"]
    assert await writer.rebuild(SES) == path
    assert [cell["id"][-1] for cell in cells_of(path)] == ["d", "e", "1", "2", "2"]


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"nbformat": 3}', None])
async def test_a_broken_or_missing_file_is_drawn_again(
    writer: TranscriptWriter, story: Story, store: Store, broken: str | None
) -> None:
    await story.whole(1)
    path = await path_of(writer, store)
    await wait_until(lambda: state_of(path) == "end_turn")
    path.unlink() if broken is None else path.write_text(broken)
    await story.whole(2)
    await wait_until(lambda: path.exists() and len(cells_of(path)) == 3 if read_file(path) else False)
    await wait_until(lambda: state_of(path) == "end_turn")
    kept = [other for other in path.parent.iterdir() if ".kept-" in other.name]
    assert [other.read_text() for other in kept] == ([] if broken is None else [broken])


async def test_another_sessions_notebook_is_kept_beside(story: Story, store: Store, tmp_path: Path) -> None:
    await story.whole(1)
    writer = writer_of(store, tmp_path)
    path = await path_of(writer, store)
    other = {"cells": [], "metadata": {"agor": {"kind": "transcript", "session": "ses_x"}}, "nbformat": 4}
    path.write_text(json.dumps({**other, "nbformat_minor": 5}))
    await writer.rebuild(SES)
    assert session_of(read_file(path) or {}) == SES
    assert len([other for other in tmp_path.iterdir() if ".kept-" in other.name]) == 1
    await writer.close()


async def test_a_restart_catches_up(story: Story, store: Store, tmp_path: Path) -> None:
    first = writer_of(store, tmp_path)
    await first.start()
    await story.whole(1)
    path = await path_of(first, store)
    await wait_until(lambda: state_of(path) == "end_turn")
    await story.prompt(2)
    await story.start()
    await story.words("half ")
    await wait_until(lambda: "half " in path.read_text())
    await first.close()
    await story.words("and half")
    await story.end()
    await story.whole(3)
    second = writer_of(store, tmp_path)
    await second.start()
    await wait_until(lambda: len(cells_of(path)) == 4 and state_of(path) == "end_turn")
    assert "half and half" in path.read_text()
    live = cells_of(path)
    await second.rebuild(SES)
    assert cells_of(path) == live, "drawn bit by bit or at once: the same notebook"
    await second.close()


async def test_a_rename_moves_no_file(writer: TranscriptWriter, story: Story, store: Store) -> None:
    await story.whole(1)
    path = await path_of(writer, store)
    await wait_until(lambda: state_of(path) == "end_turn")
    await story.say(SessionUpdated(by=ANN, title="Another name"))
    await wait_until(lambda: "Another name" in cells_of(path)[0]["source"])
    assert await path_of(writer, store) == path


async def test_a_reader_that_fell_behind_folds_again(story: Story, store: Store, tmp_path: Path) -> None:
    writer = writer_of(store, tmp_path)
    await writer.start()
    path = await path_of(writer, store)
    await story.prompt(1)
    await story.start()
    await wait_until(lambda: state_of(path) == "running")
    entry = writer._entries[SES]
    # Lose what lies in the bus, as a full queue does.
    subscription = writer._subscription
    assert subscription is not None
    for number in range(300):
        await story.words(f"{number} ")
        subscription._items.clear()
    subscription.offer(Behind())  # type: ignore[attr-defined]  # the bus's own class
    await wait_until(lambda: "298 299" in path.read_text())
    assert writer._entries[SES] is entry
    await writer.close()


async def test_parts_roll_over_and_point_at_each_other(
    story: Story, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawer_module, "MAX_TURNS", 2)
    writer = writer_of(store, tmp_path)
    await writer.start()
    for number in range(1, 6):
        await story.whole(number)
        await wait_until(lambda: not writer._entries)
    await wait_until(lambda: len(list(tmp_path.glob("*.agor.ipynb"))) == 3)
    last = await path_of(writer, store)
    await wait_until(lambda: state_of(last) == "end_turn")
    stem = "fix-parser-fix-the-parser-1234abcd"
    assert last.name == f"{stem}-3.agor.ipynb"
    first = read_file(tmp_path / f"{stem}.agor.ipynb") or {}
    middle = read_file(tmp_path / f"{stem}-2.agor.ipynb") or {}
    assert first["metadata"]["agor"]["next"] == f"{stem}-2.agor.ipynb"
    assert "prev" not in first["metadata"]["agor"]
    assert middle["metadata"]["agor"]["prev"] == f"{stem}.agor.ipynb"
    assert middle["metadata"]["agor"]["next"] == f"{stem}-3.agor.ipynb"
    assert [len(cells_of(path)) for path in sorted(tmp_path.glob("*.ipynb"), key=lambda p: len(p.name))] in (
        [3, 3, 2],
        [3, 2, 3],
    )
    drawn = {path.name: cells_of(path) for path in tmp_path.glob("*.ipynb")}
    for path in tmp_path.glob("*.ipynb"):
        path.unlink()
    await writer.rebuild(SES)
    assert {path.name: cells_of(path) for path in tmp_path.glob("*.ipynb")} == drawn
    await writer.close()


async def test_a_deleted_turn_stays_deleted_until_rebuilt(story: Story, store: Store, tmp_path: Path) -> None:
    writer = writer_of(store, tmp_path)
    await writer.start()
    await story.whole(1)
    await story.prompt(2)
    await story.start()
    path = await path_of(writer, store)
    await wait_until(lambda: len(cells_of(path)) == 3)
    notebook = read_file(path) or {}
    del notebook["cells"][2]
    path.write_text(serialise(notebook))
    await story.words("unseen")
    await story.end()
    await wait_until(lambda: not writer._entries)
    assert len(cells_of(path)) == 2
    await writer.rebuild(SES)
    assert len(cells_of(path)) == 3
    assert "unseen" in path.read_text()
    await writer.close()


async def test_rebuild_of_nothing_and_of_nobody(story: Story, store: Store, tmp_path: Path) -> None:
    writer = writer_of(store, tmp_path)
    path = await writer.rebuild(SES)
    assert [cell["id"] for cell in cells_of(path)] == ["agor-head"]
    with pytest.raises(NotFound):
        await writer.rebuild(SessionId("ses_nobody"))
    await writer.close()


async def test_a_failing_disk_is_tried_again(
    story: Story, store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "transcripts"
    root.write_text("a file where the folder should be")
    writer = writer_of(store, root)
    await writer.start()
    await story.whole(1, "a secret prompt")
    await wait_until(lambda: "failed" in caplog.text)
    assert "secret" not in caplog.text
    root.unlink()
    path = await path_of(writer, store)
    await wait_until(lambda: state_of(path) == "end_turn")
    await writer.close()


async def test_ten_sessions_at_once(store: Store, tmp_path: Path) -> None:
    writer = writer_of(store, tmp_path)
    await writer.start()
    stories = [await Story(store, SessionId(f"ses_aaaaaaaa0000000{n}")).begin() for n in range(10)]

    async def tell(story: Story, number: int) -> None:
        for turn in range(3):
            await story.whole(number * 10 + turn)

    await asyncio.gather(*(tell(story, number) for number, story in enumerate(stories)))
    await wait_until(lambda: not writer._entries and len(list(tmp_path.glob("*.agor.ipynb"))) == 10)
    for path in tmp_path.glob("*.agor.ipynb"):
        assert len(cells_of(path)) == 4
        assert state_of(path) == "end_turn"
    assert not list(tmp_path.glob(".~*")), "no temporary file is left"
    await writer.close()


@pytest.mark.parametrize("text", ["[" * 9999 + "]" * 9999, "1" * 9999, "\xff"])
def test_what_cannot_be_read_is_no_notebook(tmp_path: Path, text: str) -> None:
    """It is kept beside the drawn one, as anything else that is none of ours."""
    (tmp_path / "a.ipynb").write_text(text, "latin-1")
    assert read_file(tmp_path / "a.ipynb") is None


def test_a_pipe_in_a_notebooks_place_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "a.ipynb"
    os.mkfifo(pipe)
    watchdog = threading.Timer(20.0, lambda: os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK)))
    watchdog.start()
    assert read_file(pipe) is None
    assert watchdog.is_alive(), "it was waited for"
    watchdog.cancel()
