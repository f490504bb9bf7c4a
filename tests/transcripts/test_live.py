"""Drawing into a notebook that people have open, through the real jupyter-collaboration."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_server.serverapp import ServerApp

from agor_jupyter.store.facade import Store
from agor_jupyter.transcripts.live import LiveSink
from agor_jupyter.transcripts.sink import read_file
from agor_jupyter.transcripts.writer import Pace, TranscriptWriter
from tests.transcripts.collaboration import browser, jupyter
from tests.transcripts.story import Story, cells_of, worktree_of
from tests.transcripts.test_writer import path_of, state_of, wait_until

pytestmark = [
    pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning"),
]

QUICK = Pace(live=0.05, file=0.05, load=1.0, settle=0.2, silence=5.0)


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[ServerApp, str]]:
    root = tmp_path / "root"
    root.mkdir()
    async with jupyter(root, tmp_path / "home", monkeypatch) as running:
        yield running


@pytest.fixture
async def writer(server: tuple[ServerApp, str], store: Store) -> AsyncIterator[TranscriptWriter]:
    app, _ = server
    root = Path(app.root_dir)
    sink = LiveSink(app.web_app.settings, root, save_seconds=0.5)
    writer = TranscriptWriter(store.log, sink, root / "agor" / "transcripts", worktree_of, pace=QUICK)
    await writer.start()
    yield writer
    await writer.close()


def api_path(app: ServerApp, path: Path) -> str:
    return path.relative_to(app.root_dir).as_posix()


def rooms_of(app: ServerApp) -> dict[str, Any]:
    rooms: dict[str, Any] = app.web_app.settings["jupyter_server_ydoc"].ywebsocket_server.rooms
    return rooms


def shown(notebook: Any) -> list[dict[str, Any]]:
    return notebook.get()["cells"]


async def opened(story: Story, store: Store, writer: TranscriptWriter) -> Path:
    await story.whole(1)
    path = await path_of(writer, store)
    await wait_until(lambda: state_of(path) == "end_turn" and not writer._entries)
    return path


async def test_a_browser_sees_the_turn_grow(
    server: tuple[ServerApp, str], writer: TranscriptWriter, story: Story, store: Store
) -> None:
    app, url = server
    path = await opened(story, store, writer)
    async with browser(url, api_path(app, path)) as notebook:
        await story.prompt(2, "go on")
        await story.start()
        await wait_until(lambda: len(shown(notebook)) == 3)
        for number in range(20):
            await story.words(f"word{number} ")
            await asyncio.sleep(0.02)
        await wait_until(lambda: "word19" in str(shown(notebook)[-1]["outputs"]))
        assert shown(notebook)[-1]["metadata"]["agor"]["state"] == "running"
        await story.end()
        await wait_until(lambda: shown(notebook)[-1]["metadata"]["agor"]["state"] == "end_turn")
        await wait_until(lambda: state_of(path) == "end_turn" and len(cells_of(path)) == 3)
    nbformat.validate(nbformat.read(path, as_version=4))
    await wait_until(lambda: not rooms_of(app))


async def test_the_browser_leaves_in_mid_stream(
    server: tuple[ServerApp, str], writer: TranscriptWriter, story: Story, store: Store
) -> None:
    """A stream longer than several cleanup delays, with nobody there: all of it is on disk."""
    app, url = server
    path = await opened(story, store, writer)
    async with browser(url, api_path(app, path)) as notebook:
        await story.prompt(2, "go on")
        await story.start()
        await wait_until(lambda: len(shown(notebook)) == 3)
    on_disk = 0
    for number in range(100):
        await story.words(f"word{number} ")
        await asyncio.sleep(0.03)
        assert rooms_of(app), "the room stays while it is drawn into"
        if number == 80:
            on_disk = path.read_text().count("word")
    assert on_disk > 60, "a steady stream is saved while it runs"
    await story.end()
    await wait_until(lambda: not rooms_of(app))
    cells = cells_of(path)
    assert all(f"word{number} " in str(cells[-1]) for number in range(100))
    assert state_of(path) == "end_turn"
    extension = app.web_app.settings["jupyter_server_ydoc"]
    assert not list(extension.file_loaders._FileLoaderMapping__dict), "nothing is left in memory"


async def test_what_is_not_saved_when_drawing_ends_is_saved_then(
    server: tuple[ServerApp, str], story: Story, store: Store
) -> None:
    app, url = server
    root = Path(app.root_dir)
    sink = LiveSink(app.web_app.settings, root, save_seconds=1000)
    writer = TranscriptWriter(store.log, sink, root / "t", worktree_of, pace=QUICK)
    await writer.start()
    path = await opened(story, store, writer)
    async with browser(url, api_path(app, path)) as notebook:
        await story.prompt(2, "go on")
        await story.start()
        await wait_until(lambda: len(shown(notebook)) == 3)
    # Changes come faster than the room's own save waits (0.5 s): it never saves by itself.
    for number in range(40):
        await story.words(f"word{number} ")
        await asyncio.sleep(0.03)
    await story.end()
    await wait_until(lambda: not rooms_of(app))
    assert state_of(path) == "end_turn"
    assert "word39 " in path.read_text()
    await writer.close()


async def test_a_person_types_meanwhile(
    server: tuple[ServerApp, str], writer: TranscriptWriter, story: Story, store: Store
) -> None:
    app, url = server
    path = await opened(story, store, writer)
    async with browser(url, api_path(app, path)) as notebook:
        notebook.append_cell({"cell_type": "markdown", "id": "mine", "source": "I ", "metadata": {}})
        await wait_until(lambda: "mine" in path.read_text())
        await story.prompt(2, "go on")
        await story.start()
        for number in range(40):
            source = next(cell for cell in notebook.ycells if cell["id"] == "mine")["source"]
            source += f"t{number} "
            await story.words(f"word{number} ")
            await asyncio.sleep(0.02)
        await story.end()
        await wait_until(lambda: state_of(path) == "end_turn" and len(cells_of(path)) == 4)
        typed = "I " + "".join(f"t{number} " for number in range(40))
        await wait_until(lambda: any(cell["source"] == typed for cell in cells_of(path)))
    assert "word39" in path.read_text()
    assert [cell["id"][-1] for cell in cells_of(path)] == ["d", "1", "e", "2"]


async def test_a_person_deletes_the_cell_that_is_drawn(
    server: tuple[ServerApp, str], writer: TranscriptWriter, story: Story, store: Store
) -> None:
    app, url = server
    path = await opened(story, store, writer)
    async with browser(url, api_path(app, path)) as notebook:
        await story.prompt(2, "go on")
        await story.start()
        await wait_until(lambda: len(shown(notebook)) == 3)
        del notebook.ycells[2]
        await asyncio.sleep(0.1)
        await story.words("unseen")
        await story.end()
        await wait_until(lambda: not writer._entries)
        assert len(shown(notebook)) == 2
        await story.whole(3)
        await wait_until(lambda: len(shown(notebook)) == 3)
        assert "unseen" not in str(shown(notebook))
        # Asked for, all of it comes back, into the open document.
        await writer.rebuild(story.id)
        await wait_until(lambda: len(shown(notebook)) == 4)
        assert "unseen" in str(shown(notebook))
    assert "unseen" in path.read_text()


async def test_an_open_notebook_is_caught_up_when_nothing_runs(
    server: tuple[ServerApp, str], writer: TranscriptWriter, story: Story, store: Store
) -> None:
    app, url = server
    path = await opened(story, store, writer)
    async with browser(url, api_path(app, path)):
        await story.whole(2)
        await wait_until(lambda: state_of(path) == "end_turn" and len(cells_of(path)) == 3)
        await wait_until(lambda: not writer._entries)
        assert rooms_of(app), "people still look at it"
    await wait_until(lambda: not rooms_of(app))


async def test_without_a_browser_no_room_is_made(
    server: tuple[ServerApp, str], writer: TranscriptWriter, story: Story, store: Store
) -> None:
    app, _ = server
    await opened(story, store, writer)
    assert not rooms_of(app)


async def test_changed_insides_of_the_collaboration_fall_back_to_the_file(
    server: tuple[ServerApp, str],
    story: Story,
    store: Store,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Changed:
        """Another version, without the names that we know."""

    app, _ = server
    settings = {**app.web_app.settings, "jupyter_server_ydoc": Changed()}
    root = Path(app.root_dir)
    writer = TranscriptWriter(store.log, LiveSink(settings, root), root / "t", worktree_of, pace=QUICK)
    await writer.start()
    path = await opened(story, store, writer)
    assert read_file(path) is not None
    assert caplog.text.count("jupyter-collaboration is not as expected") == 1
    await writer.close()
