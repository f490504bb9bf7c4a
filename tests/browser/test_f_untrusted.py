"""Words of agents, tools and people are words: no script of theirs runs, nothing is fetched for them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import Desk
from tests.browser.stage import Stage, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


class Beacon(ThreadingHTTPServer):
    """Counts who asks it for anything."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Answer)


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # the base class's name
        self.server.asked.append(self.path)  # type: ignore[attr-defined]  # it is a Beacon
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


@pytest.fixture
def beacon() -> Iterator[Beacon]:
    server = Beacon()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def corpus(port: int) -> list[str]:
    """List what an agent that was turned might say."""
    away = f"http://127.0.0.1:{port}"
    return [
        "<img src=x onerror=\"window.__hit='img'\">",
        "<script>window.__hit='script'</script>",
        "<svg onload=\"window.__hit='svg'\"></svg>",
        "<iframe srcdoc=\"<script>parent.__hit='frame'</script>\"></iframe>",
        "<details open ontoggle=\"window.__hit='toggle'\">x</details>",
        "<math><mtext><style><img src=x onerror=\"window.__hit='math'\"></style></mtext></math>",
        "[click me](javascript:window.__hit='link')",
        "<a href=\"javascript:window.__hit='anchor'\">click me too</a>",
        f"![a picture]({away}/markdown-image)",
        f'<img src="{away}/html-image">',
        f'<img srcset="{away}/srcset 2x">',
        f'<video poster="{away}/poster" src="{away}/video" autoplay></video>',
        f'<audio src="{away}/audio" autoplay></audio>',
        f'<div style="background-image: url({away}/style)">styled</div>',
        f"<style>@import '{away}/import'; body {{ background: url({away}/css) }}</style>",
        f'<link rel="stylesheet" href="{away}/sheet">',
        f'<table background="{away}/table"><tr><td>t</td></tr></table>',
        f'<object data="{away}/object"></object><embed src="{away}/embed">',
        f'<form action="{away}/form"><input type="image" src="{away}/input"></form>',
    ]


def prompt_of(words: list[str]) -> str:
    """Make the demo agent say, think, print and ask the words."""
    said = "\n\n".join([*words, "the end of the corpus"])
    steps: list[dict[str, Any]] = [
        {"say": said},
        {"think": said},
        {"plan": [{"content": each, "status": "in_progress", "priority": "high"} for each in words[:4]]},
        {"run": {"argv": ["printf", "%s", said], "title": words[0], "ask": False}},
        {"edit": {"path": "words.md", "write": said}},
        {"say": said},
    ]
    lines = "\n".join(f"- {json.dumps(step)}" for step in steps)
    return f"{words[0]}\n\n```demo\n{lines}\n```"


def test_no_word_of_an_agent_runs_or_fetches(desk: Desk, house: Stage, beacon: Beacon) -> None:
    words = corpus(beacon.server_port)
    board = house.board(words[0])
    worktree = house.worktree("untrusted", board)
    session = house.session(worktree, prompt_of(words), words[0])
    house.wait_status(session, "awaiting_permission")
    with desk.person("mona") as monas:
        page = desk.open(monas, board)
        page.get_by_test_id("agor-card").wait_for()
        desk.run(page, "agor:add-zone", name=words[0])
        desk.run(page, "agor:add-note", text="\n".join(words))
        page.get_by_test_id("agor-note").wait_for()
        desk.run(page, "agor:show-panel")
        desk.session(page, session)
        panel = page.get_by_test_id("agor-session")
        expect(panel).to_contain_text("the end of the corpus")
        panel.locator('[data-agor-option="allow_once"]').click()
        expect(page.get_by_test_id("agor-task-end")).to_be_visible()
        closed = panel.locator('.jp-AgorDisclosure[aria-expanded="false"]')
        wait_for("every line is open", lambda: closed.count() == 0 or closed.last.click(timeout=5000), 30)
        # Links to other places are for a person to follow; these would run something.
        for link in panel.locator("a:not([href^=http])").all():
            link.dispatch_event("click")
        page.wait_for_timeout(1000)
        _nothing_happened(page, beacon)


def _nothing_happened(page: Page, beacon: Beacon) -> None:
    assert page.evaluate("() => window.__hit ?? null") is None
    assert beacon.asked == []
    roots = ".jp-AgorSession, .jp-AgorBoard, .jp-AgorPanel"
    bad = "script, iframe, object, embed, [onerror], [onload], [href^='javascript:']"
    assert (
        page.evaluate(
            "([roots, bad]) => [...document.querySelectorAll(roots)].flatMap(root => "
            "[...root.querySelectorAll(bad)].map(each => each.outerHTML.slice(0, 200)))",
            [roots, bad],
        )
        == []
    )
