"""The real Yjs and y-websocket in Node against our rooms: what browsers will run."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import build_js
from tests.server.test_rooms import BOARD, Stand, cards_of, stand_of

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "labextension" / "package.json"


def find_node() -> str | None:
    """Find the Node that the front end is built with: PATH's own, or PyPI's."""
    try:
        return shutil.which("node", path=build_js.node_environment()["PATH"])
    except build_js.NodeMissing:
        return None


NODE = find_node()

pytestmark = pytest.mark.skipif(
    NODE is None or not (PACKAGE.parent / "node_modules" / "y-websocket").exists(),
    reason="needs Node and the front end's packages (`jlpm install` in labextension)",
)


class Page:
    """A Node process that shows a board."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.said: list[dict[str, Any]] = []

    def order(self, **what: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write((json.dumps(what) + "\n").encode())

    async def wait(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Read on until the page says something for which `condition` holds."""
        assert self._process.stdout is not None
        async with asyncio.timeout(20):
            while True:
                line = await self._process.stdout.readline()
                assert line, "the page ended"
                said = json.loads(line)
                self.said.append(said)
                if condition(said):
                    return said


@asynccontextmanager
async def page(stand: Stand, person: str, *, theirs: bool = False) -> AsyncIterator[Page]:
    base = f"ws://127.0.0.1:{stand.server.port}{stand.server.base_url}"
    server = base + ("api/collaboration/room" if theirs else "agor/api/v1/rooms")
    room = f"agor-board-{BOARD.id}" if theirs else BOARD.id
    assert NODE is not None
    process = await asyncio.create_subprocess_exec(
        NODE,
        str(HERE / "yjs_page.cjs"),
        str(PACKAGE),
        server,
        room,
        f"{person}-token",
        person,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    made = Page(process)
    try:
        await made.wait(lambda said: said.get("synced") is True)
        yield made
        made.order(end=True)
        await asyncio.wait_for(process.wait(), 10)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        transport = process._transport  # type: ignore[attr-defined]  # asyncio closes it late otherwise
        transport.close()


async def test_two_pages_and_the_server_agree(tmp_path: Path) -> None:
    async with (
        stand_of(tmp_path) as stand,
        page(stand, "mona") as mona,
        page(stand, "oscar", theirs=True) as oscar,
    ):
        await mona.wait(lambda said: "oscar" in said.get("people", []))
        mona.order(place="wt_a", pos=[1, 2])
        await oscar.wait(lambda said: said.get("cards") == {"wt_a": {"pos": [1, 2]}})
        await stand.boards.move_card(BOARD.id, "wt_a", (7, 8))
        await mona.wait(lambda said: said.get("cards") == {"wt_a": {"pos": [7, 8]}})
        oscar.order(move="wt_a", pos=[9, 9.5])
        await mona.wait(lambda said: said.get("cards") == {"wt_a": {"pos": [9, 9.5]}})
        assert cards_of(stand)["wt_a"]["pos"] == [9, 9.5]


async def test_a_page_that_was_away_brings_its_edits_and_is_seen_again(tmp_path: Path) -> None:
    async with stand_of(tmp_path) as stand, page(stand, "mona") as mona, page(stand, "oscar") as oscar:
        mona.order(place="wt_a", pos=[1, 2])
        await oscar.wait(lambda said: said.get("cards") == {"wt_a": {"pos": [1, 2]}})
        mona.order(leave=True)
        await oscar.wait(lambda said: said.get("people") == ["oscar"])
        mona.order(move="wt_a", pos=[3, 3])
        oscar.order(place="wt_b", pos=[5, 5])
        mona.order(back=True)
        both = {"wt_a": {"pos": [3, 3]}, "wt_b": {"pos": [5, 5]}}
        await mona.wait(lambda said: said.get("cards") == both)
        await oscar.wait(lambda said: said.get("cards") == both)
        assert json.loads(str(cards_of(stand))) == both


async def test_a_viewers_page_changes_nothing(tmp_path: Path) -> None:
    async with stand_of(tmp_path) as stand, page(stand, "vera") as vera, page(stand, "mona") as mona:
        vera.order(place="wt_v", pos=[1, 2])
        mona.order(place="wt_m", pos=[1, 2])
        await vera.wait(lambda said: "wt_m" in said.get("cards", {}))
        assert list(cards_of(stand).keys()) == ["wt_m"]
