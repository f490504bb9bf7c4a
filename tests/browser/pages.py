"""Pages of JupyterLab as somebody: opening, waiting, and what their consoles said of us."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Playwright

from agor_jupyter.testing.people import token_of
from tests.browser.stage import Stage

DEADLINE_MS = 30_000
LAB_READY = "() => window.jupyterapp && window.jupyterapp.restored.then(() => true)"
OURS = ("extensions/agor-jupyter/", "agor/api/", "Agor")


def chromium(play: Playwright) -> Browser:
    """Start the Chromium of this machine."""
    path = os.environ.get("AGOR_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    return play.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])


@dataclass
class Watch:
    """What a page complained of, as far as it concerns us."""

    said: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        page.on("pageerror", lambda error: self._take(f"{error.message}\n{error.stack or ''}", "page error"))
        page.on("console", self._console)

    def _console(self, message: ConsoleMessage) -> None:
        # What is refused is a page's to show; the browser's own line about it says nothing more.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self._take(f"{message.text} ({message.location.get('url', '')})", "console")

    def _take(self, words: str, kind: str) -> None:
        if any(sign in words for sign in OURS):
            self.said.append(f"{kind}: {words}")


@dataclass
class Desk:
    """One browser for everybody; each person's pages have a context of their own."""

    browser: Browser
    stage: Stage
    watch: Watch = field(default_factory=Watch)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @contextmanager
    def person(self, name: str, *, width: int = 1280, height: int = 800) -> Iterator[BrowserContext]:
        """Give a context that is `name`: the first request brings the token, its cookie does the rest."""
        context = self.browser.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce"
        )
        context.set_default_timeout(DEADLINE_MS)
        try:
            context.request.get(f"{self.stage.url}lab?token={token_of(name)}")
            yield context
        finally:
            context.close()

    def open(self, context: BrowserContext, board: str = "") -> Page:
        """Open JupyterLab in a workspace of its own, at a board when one is named."""
        page = context.new_page()
        self.watch.follow(page)
        query = f"?agor-board={board}" if board else ""
        page.goto(f"{self.stage.url}lab/workspaces/w{next(self._numbers)}{query}")
        self.settle(page)
        return page

    def settle(self, page: Page) -> None:
        page.wait_for_function(LAB_READY)

    def run(self, page: Page, command: str, **args: object) -> None:
        """Run a command of JupyterLab in the page, without waiting for dialogs that it opens."""
        page.evaluate(
            "([id, args]) => { void window.jupyterapp.commands.execute(id, args).catch(() => {}); }",
            [command, args],
        )

    def board(self, page: Page, board: str) -> None:
        self.run(page, "agor:open-board", board_id=board)
        page.get_by_test_id("agor-canvas").wait_for()

    def session(self, page: Page, session: str) -> None:
        self.run(page, "agor:open-session", session_id=session)
        page.get_by_test_id("agor-session").wait_for()

    def theme(self, page: Page, name: str) -> None:
        """Change the theme and wait for its style sheet."""
        page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", name)
        page.wait_for_function(f"() => document.body.dataset.jpThemeName === {name!r}")


__all__ = ["Desk", "Error", "Page", "Watch", "chromium"]
