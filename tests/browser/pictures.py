"""How each view is brought into a page, for pictures and for axe; and the pictures themselves."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import product
from pathlib import Path

from playwright.sync_api import Error, Page

from tests.browser.furnishing import Scene
from tests.browser.pages import Desk
from tests.browser.stage import wait_for

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SIZES = {"1280": (1280, 800), "2560": (2560, 1440), "390": (390, 844)}
MOST_BYTES = 300_000
SHOW = """name => {
  const {shell} = window.jupyterapp;
  const found = [...shell.widgets('main')].find(each => each.node.querySelector(`[data-testid="${name}"]`));
  if (found) shell.activateById(found.id);
}"""

View = Callable[[Desk, Page, Scene], None]


def _panel(desk: Desk, page: Page, scene: Scene) -> None:
    desk.run(page, "agor:show-panel")
    page.get_by_test_id("agor-panel").wait_for()


def _board(desk: Desk, page: Page, scene: Scene) -> None:
    fold_panel(page)
    desk.board(page, scene.board)
    desk.run(page, "agor:fit-board")


def _close(desk: Desk, page: Page, scene: Scene) -> None:
    """The board so near that its cards are whole, at the one that matters."""
    fold_panel(page)
    desk.board(page, scene.board)
    page.get_by_test_id("agor-canvas").wait_for()
    desk.run(page, "agor:open-board", board_id=scene.board, focus=scene.worktree)
    canvas = page.get_by_test_id("agor-canvas").bounding_box()
    if canvas is not None:
        page.mouse.move(canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2)
        for _ in range(12):
            page.mouse.wheel(0, -240)
            page.wait_for_timeout(40)
            if page.locator('[data-band="full"]').count():
                break
    desk.run(page, "agor:open-board", board_id=scene.board, focus=scene.worktree)


def _session(desk: Desk, page: Page, scene: Scene) -> None:
    fold_panel(page)
    desk.session(page, scene.session)
    page.get_by_test_id("agor-prompt-box").first.wait_for()


def _transcript(desk: Desk, page: Page, scene: Scene) -> None:
    fold_panel(page)
    desk.run(page, "agor:open-transcript", session_id=scene.transcript)
    page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for()
    page.locator(".jp-NotebookPanel .jp-OutputArea-output").first.wait_for()


def dialog(command: str, field: str) -> View:
    def open_it(desk: Desk, page: Page, scene: Scene) -> None:
        fold_panel(page)
        desk.run(page, command, worktree_id=scene.worktree)
        page.get_by_test_id(field).wait_for()

    return open_it


VIEWS: dict[str, View] = {
    "side-panel": _panel,
    "board": _board,
    "board-near": _close,
    "session": _session,
    "transcript": _transcript,
    "dialog-repo": dialog("agor:add-repository", "agor-repo-path"),
    "dialog-worktree": dialog("agor:create-worktree", "agor-worktree-name"),
    "dialog-session": dialog("agor:create-session", "agor-session-prompt"),
    "dialog-trust": dialog("agor:trust-repository", "agor-trust"),
}
NEEDS = {
    "board-near": "worktree",
    "session": "session",
    "transcript": "transcript",
    "dialog-worktree": "worktree",
    "dialog-session": "worktree",
    "dialog-trust": "worktree",
}
"""Views that an empty house does not have, by what they need of the scene."""


def views_of(scene: Scene, views: list[str] | None = None) -> list[str]:
    wanted = list(VIEWS) if views is None else views
    return [view for view in wanted if view not in NEEDS or getattr(scene, NEEDS[view])]


def fold_panel(page: Page) -> None:
    """Close both side bars: what is looked at gets the page."""
    page.evaluate("() => { const {shell} = window.jupyterapp; shell.collapseLeft(); shell.collapseRight(); }")


def close_dialogs(page: Page) -> None:
    while page.locator(".jp-Dialog").count():
        page.keyboard.press("Escape")
        with suppress(Error):
            page.locator(".jp-Dialog").last.wait_for(state="detached", timeout=2000)


@contextmanager
def page_at(desk: Desk, scene: Scene, theme: str, size: tuple[int, int]) -> Iterator[Page]:
    """Give a page of mona's at the scene's board."""
    width, height = size
    with desk.person("mona", width=width, height=height) as context:
        page = desk.open(context, scene.board)
        desk.theme(page, THEMES[theme])
        page.get_by_test_id("agor-canvas").wait_for()
        yield page


class Album:
    """The pictures of one state, in one folder."""

    def __init__(self, desk: Desk, scene: Scene, folder: Path) -> None:
        self._desk, self._scene, self._folder = desk, scene, folder
        folder.mkdir(parents=True, exist_ok=True)

    def draw(self, views: list[str], theme: str, size: str) -> None:
        with page_at(self._desk, self._scene, theme, SIZES[size]) as page:
            for view in views_of(self._scene, views):
                VIEWS[view](self._desk, page, self._scene)
                page.wait_for_timeout(1200)
                page.screenshot(path=self._folder / f"{view}-{theme}-{size}.png")
                close_dialogs(page)

    def draw_gone(self, themes: list[str], sizes: list[str], stop: Callable[[], None]) -> None:
        """Open board, panel and session everywhere, take the server away, and draw what they say then."""
        with ExitStack() as opened:
            pages: dict[str, Page] = {}
            for theme, size in product(themes, sizes):
                page = opened.enter_context(page_at(self._desk, self._scene, theme, SIZES[size]))
                _session(self._desk, page, self._scene)
                pages[f"{theme}-{size}"] = page
            stop()
            for name, page in pages.items():
                page.wait_for_timeout(3000)
                for view, shown in (("session", "agor-session"), ("board", "agor-board")):
                    page.locator(".jp-Dialog .jp-mod-reject, .jp-Dialog .jp-mod-accept").evaluate_all(
                        "buttons => buttons[0]?.click()"
                    )
                    page.evaluate(SHOW, shown)
                    page.wait_for_timeout(600)
                    page.screenshot(path=self._folder / f"gone-{view}-{name}.png")
                page.evaluate("() => window.jupyterapp.shell.activateById('agor-panel')")
                page.wait_for_timeout(600)
                page.screenshot(path=self._folder / f"gone-side-panel-{name}.png")


# --- the README's own pictures


def point(page: Page, x: float, y: float) -> None:
    """Move a person's pointer, in parts of the canvas."""
    box = page.get_by_test_id("agor-canvas").bounding_box()
    if box is None:
        raise RuntimeError("the canvas is not in view")
    page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y, steps=4)


def point_all(page: Page, others: list[Page]) -> None:
    """Let the others point at something, and wait until this page has drawn both."""
    for other, (x, y) in zip(others, ((0.42, 0.3), (0.8, 0.62)), strict=True):
        point(other, x, y)
    wait_for("two cursors", lambda: page.locator(".jp-AgorCursor").count() >= 2, 5)
    time.sleep(0.6)


def readme(desk: Desk, scene: Scene, folder: Path, theme: str) -> None:
    """Draw the four views with two teammates on the board."""
    with (
        page_at(desk, scene, theme, SIZES["1280"]) as page,
        desk.person("oscar") as oscars,
        desk.person("ada") as adas,
    ):
        page.get_by_test_id("agor-card").first.wait_for()
        others = [desk.open(context, scene.board) for context in (oscars, adas)]
        for other in others:
            other.get_by_test_id("agor-card").first.wait_for()

        def drawn(name: str, act: Callable[[], None] = lambda: None) -> None:
            time.sleep(1.5)
            act()
            path = folder / f"{name}-{theme}.png"
            page.screenshot(path=path)
            size = path.stat().st_size
            print(f"{path.name}: {size // 1000} kB")
            if size > MOST_BYTES:
                print(f"  more than {MOST_BYTES // 1000} kB", file=sys.stderr)

        _panel(desk, page, scene)
        page.get_by_test_id("agor-panel-session").first.wait_for()
        drawn("side-panel", lambda: point_all(page, others))
        fold_panel(page)
        time.sleep(1)
        desk.run(page, "agor:fit-board")
        drawn("board", lambda: point_all(page, others))
        _session(desk, page, scene)
        page.get_by_test_id("agor-approval").last.wait_for()
        drawn("session")
        _transcript(desk, page, scene)
        drawn("transcript")
