"""axe-core on every view of an empty, a crowded and a failing house, wide and narrow, in light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser import furnishing
from tests.browser.axe import check
from tests.browser.crowd import CARDS, seed_crowd
from tests.browser.pages import Desk
from tests.browser.pictures import SIZES, VIEWS, close_dialogs, page_at, views_of
from tests.browser.stage import Stage, stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

ROOTS = {
    "side-panel": ".jp-AgorPanel",
    "board": ".jp-AgorBoard",
    "board-near": ".jp-AgorBoard",
    "session": ".jp-AgorSession",
    "transcript": ".jp-AgorOutput",
    "dialog-repo": ".jp-AgorDialog .jp-Dialog-content",
    "dialog-worktree": ".jp-AgorDialog .jp-Dialog-content",
    "dialog-session": ".jp-AgorDialog .jp-Dialog-content",
    "dialog-trust": ".jp-AgorDialog .jp-Dialog-content",
}
STATES: dict[str, tuple[Callable[[Stage], furnishing.Scene], Callable[[Path], None] | None]] = {
    "empty": (furnishing.empty, None),
    "crowded": (furnishing.crowded, seed_crowd),
    "failing": (furnishing.failing, None),
}
PAGES = (("light", "1280"), ("dark", "390"))


@pytest.mark.parametrize("state", STATES)
def test_no_serious_violation(one_browser: Desk, state: str, tmp_path: Path) -> None:
    furnish, before = STATES[state]
    found: list[str] = []
    with stage(tmp_path, before) as here:
        scene = furnish(here)
        desk = Desk(one_browser.browser, here)
        for theme, size in PAGES:
            with page_at(desk, scene, theme, SIZES[size]) as page:
                if state == "crowded":
                    assert len(here.get("/worktrees?limit=200")["items"]) == CARDS + 2
                for view in views_of(scene):
                    VIEWS[view](desk, page, scene)
                    found += [f"{theme} {size} {each}" for each in check(page, ROOTS[view])]
                    close_dialogs(page)
        assert desk.watch.said == []
        if state == "failing":
            found += _gone(desk, here, scene)
    assert found == [], "\n".join(found)


def _gone(desk: Desk, here: Stage, scene: furnishing.Scene) -> list[str]:
    """Take the server away: board, panel and session say so, and can be read."""
    found: list[str] = []
    with page_at(desk, scene, "light", SIZES["1280"]) as page:
        VIEWS["session"](desk, page, scene)
        here.stop()
        for name, show in (("jp-AgorSession", None), ("jp-AgorPanel", "agor-panel")):
            if show is not None:
                page.evaluate("id => window.jupyterapp.shell.activateById(id)", show)
            page.locator(f".{name} .jp-AgorAway").wait_for()
            found += [f"gone: {each}" for each in check(page, f".{name}")]
    return found
