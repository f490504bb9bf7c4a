"""Outputs of transcripts and of `%%agor` cells look like the session panel, and run and fetch nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import check
from tests.browser.pages import Desk
from tests.browser.stage import Stage
from tests.browser.test_f_untrusted import Beacon, beacon, corpus, prompt_of

__all__ = ["beacon"]  # the fixture that counts who asks for anything
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

TURN = "application/vnd.agor.turn+json"


def turn(blocks: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "v": 1,
        "session": "s",
        "task": "t",
        "seq": 9,
        "dropped": 0,
        "usage": None,
        "blocks": blocks,
        **more,
    }


def notebook(*bundles: dict[str, Any]) -> str:
    """Write a notebook of anybody's, with one cell that shows the bundles."""
    outputs = [{"output_type": "display_data", "data": data, "metadata": {}} for data in bundles]
    cell = {
        "cell_type": "code", "id": "a-cell", "metadata": {}, "source": "%%agor\nMend it",
        "execution_count": None, "outputs": outputs,
    }  # fmt: skip
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def open_notebook(desk: Desk, page: Page, path: str) -> None:
    desk.run(page, "docmanager:open", path=path, factory="Notebook", kernelPreference={"shouldStart": False})
    page.locator(".jp-NotebookPanel .jp-OutputArea-output").first.wait_for()


def output_of(page: Page) -> Any:
    return page.locator(".jp-NotebookPanel").get_by_test_id("agor-output")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_a_transcript_is_drawn_with_the_panels_rows(desk: Desk, house: Stage, theme: str) -> None:
    name = theme[-5:].strip().lower()
    board = house.board(f"Team H {name}")
    worktree = house.worktree(f"to-be-drawn-{name}", board)
    session = house.session(worktree, "Mend the failing test", "Draw me", "full_auto")
    house.wait_status(session, "idle")
    with desk.person("mona") as monas:
        page = desk.open(monas)
        desk.theme(page, theme)
        desk.run(page, "agor:open-transcript", session_id=session)
        outputs = output_of(page)
        expect(outputs.first).to_be_visible()
        expect(page.locator(".jp-NotebookPanel").get_by_test_id("agor-task-end")).to_contain_text("Done")
        edit = page.locator('.jp-NotebookPanel [data-agor-tool="edit"]').first
        expect(edit.locator(".jp-AgorDiff")).to_have_count(0)
        edit.get_by_role("button").click()
        expect(edit.locator('.jp-AgorDiff-line[data-kind="added"]').first).to_be_visible()
        assert check(page, ".jp-NotebookPanel .jp-OutputArea") == []


def test_a_turn_and_a_form_that_is_not_known(desk: Desk, house: Stage) -> None:
    tools = [
        {"type": "tool", "id": f"c{n}", "name": f"Read file {n}", "kind": "read", "status": "completed"}
        for n in range(5)
    ]
    asked = {"type": "permission", "id": "p", "title": "Run the tests", "state": "pending", "options": []}
    waits = turn([{"type": "text", "id": "m", "text": "I **look**."}, *tools, asked], state="waiting")
    newer = {TURN: {"v": 99, "blocks": "?"}, "text/markdown": "the words for *everybody*"}
    text = notebook({TURN: waits, "text/markdown": "not this"}, newer)
    (house.root / "turn.ipynb").write_text(text)
    with desk.person("mona") as monas:
        page = desk.open(monas)
        open_notebook(desk, page, "turn.ipynb")
        shown = output_of(page)
        expect(shown).to_have_count(1)
        expect(shown.locator("strong")).to_have_text("look")
        expect(shown).to_contain_text("5 steps")
        expect(shown).not_to_contain_text("Read file 3")
        shown.get_by_role("button", name="5 steps").click()
        expect(shown).to_contain_text("Read file 3")
        expect(shown).to_contain_text("Waits for an answer: Run the tests")
        expect(page.locator(".jp-NotebookPanel")).to_contain_text("the words for everybody")
        expect(page.locator(".jp-NotebookPanel")).not_to_contain_text("not this")


def test_no_word_in_an_output_runs_or_fetches(desk: Desk, house: Stage, beacon: Beacon) -> None:
    """The notebook is not trusted, and nobody asks whether it is."""
    words = corpus(beacon.server_port)
    said = "\n\n".join(words)
    blocks = [
        {"type": "text", "id": "a", "text": said},
        {"type": "thinking", "id": "b", "text": said},
        {
            "type": "tool",
            "id": "c",
            "name": words[0],
            "kind": "execute",
            "input": {"command": said},
            "output": said,
        },
        {
            "type": "tool",
            "id": "d",
            "name": words[1],
            "kind": "edit",
            "diff": f"--- a\n+++ {words[2]}\n+{said}",
        },
        {"type": "permission", "id": "e", "title": words[0], "by": words[1], "state": "allow_once"},
        {"type": "notice", "id": "f", "level": "error", "text": said, "hint": words[0]},
    ]
    usage = {"stop": "failed", "in": 1, "out": 2, "error": words[0], "hint": words[1]}
    board = house.board("Team H untrusted")
    session = house.session(house.worktree("untrusted-output", board), prompt_of(words), "Words", "full_auto")
    house.wait_status(session, "idle", "failed")
    (house.root / "untrusted.ipynb").write_text(notebook({TURN: turn(blocks, state="error", usage=usage)}))
    with desk.person("mona") as monas:
        page = desk.open(monas)
        open_notebook(desk, page, "untrusted.ipynb")
        _open_all(page)
        desk.run(page, "agor:open-transcript", session_id=session)
        expect(page.locator(".jp-NotebookPanel:visible")).to_contain_text("the end of the corpus")
        _open_all(page)
        page.wait_for_timeout(1000)
        assert page.evaluate("() => window.__hit ?? null") is None
        assert beacon.asked == []


def _open_all(page: Page) -> None:
    closed = page.locator('.jp-NotebookPanel:visible .jp-AgorDisclosure[aria-expanded="false"]')
    for _ in range(40):
        if closed.count() == 0:
            return
        closed.first.click(timeout=5000)
    raise AssertionError("a line does not open")
