"""A transcript opens as a notebook, and no kernel is started for it."""

from __future__ import annotations

import json
import urllib.request

import pytest
from playwright.sync_api import expect

from agor_jupyter.testing.people import headers_of
from tests.browser.pages import Desk
from tests.browser.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def kernels(house: Stage) -> list[object]:
    request = urllib.request.Request(f"{house.url}api/kernels", headers=headers_of("ada"))
    with urllib.request.urlopen(request, timeout=20) as answer:
        found: list[object] = json.load(answer)
    return found


def test_a_transcript_opens_without_a_kernel(desk: Desk, house: Stage) -> None:
    board = house.board("Team G")
    session = house.session(
        house.worktree("to-be-read", board), "Mend the failing test", "Read me", "full_auto"
    )
    house.wait_status(session, "idle")
    before = len(kernels(house))
    with desk.person("mona") as monas:
        page = desk.open(monas)
        desk.run(page, "agor:open-transcript", session_id=session)
        notebook = page.locator(".jp-NotebookPanel")
        expect(notebook).to_contain_text("All tests pass")
        expect(page.locator(".jp-Dialog")).to_have_count(0)
        page.wait_for_timeout(2000)
        assert len(kernels(house)) == before


def test_a_restored_page_starts_no_kernel_for_it_either(desk: Desk, house: Stage) -> None:
    """JupyterLab restores notebooks by the name of its own factory."""
    board = house.board("Team G again")
    session = house.session(
        house.worktree("to-be-restored", board), "Mend the failing test", "Restore me", "full_auto"
    )
    house.wait_status(session, "idle")
    path = house.get(f"/sessions/{session}/transcript")["lab_path"]
    before = len(kernels(house))
    with desk.person("mona") as monas:
        page = desk.open(monas)
        desk.run(page, "docmanager:open", path=path, factory="Notebook")
        expect(page.locator(".jp-NotebookPanel")).to_contain_text("All tests pass")
        page.wait_for_timeout(2000)
        assert len(kernels(house)) == before
