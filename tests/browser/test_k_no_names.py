"""A server without named users: everyone is `local`, and each act bears its own browser's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from agor_jupyter.cli.lab import Lab, free_port, prepare
from tests.browser.pages import DEADLINE_MS, Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CREATE = """async prompt => {
  const xsrf = decodeURIComponent(/_xsrf=([^;]+)/.exec(document.cookie)?.[1] ?? '');
  const call = async (method, path, body) => {
    const answer = await fetch('/agor/api/v1' + path, {
      method,
      headers: {
        'Content-Type': 'application/json', 'X-XSRFToken': xsrf, 'Idempotency-Key': crypto.randomUUID()
      },
      body: body === undefined ? undefined : JSON.stringify(body)
    });
    return await answer.json();
  };
  const trees = (await call('GET', '/worktrees')).items;
  const wish = {worktree_id: trees[0].id, agent: 'demo', title: 'Asked by Ann', prompt};
  return (await call('POST', '/sessions', wish)).id;
}"""
ASK = """Run it.

```demo
- run: ['{python}', '-c', 'print(1)']
- say: Done.
- wait: 60
```"""


@contextmanager
def browser_of(desk: Desk, lab: Lab) -> Iterator[tuple[BrowserContext, Page]]:
    """Open the lab with the server's token, as a new browser: a random user of its own."""
    context = desk.browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(DEADLINE_MS)
    try:
        page = context.new_page()
        desk.watch.follow(page)
        page.goto(f"{lab.url}lab?token={lab.token}")
        desk.settle(page)
        yield context, page
    finally:
        context.close()


def rename(desk: Desk, page: Page, name: str) -> None:
    desk.run(page, "agor:rename-me")
    field = page.locator(".jp-Dialog input")
    field.wait_for()
    field.fill(name)
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.locator(".jp-Dialog").wait_for(state="detached")


def test_each_act_bears_the_name_of_who_did_it(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("nameless")
    prepare(folder, "demo")
    path = folder / "config" / "jupyter_server_config.json"
    path.write_text(
        path.read_text(encoding="utf-8").replace(
            '"AgorApp"', '"LabApp": {"expose_app_in_browser": true}, "AgorApp"', 1
        ),
        encoding="utf-8",
    )
    lab = Lab(folder, free_port())
    with lab.running():
        lab.wait_ready()
        with browser_of(desk, lab) as (_, ann), browser_of(desk, lab) as (_, bea):
            desk.run(ann, "agor:show-panel")
            expect(ann.get_by_test_id("agor-panel")).to_contain_text("Set up for one person: whoever opens")
            rename(desk, ann, "Ann")
            rename(desk, bea, "Bea")
            session = ann.evaluate(CREATE, ASK)
            for page in (ann, bea):
                desk.session(page, session)
                page.get_by_test_id("agor-session").get_by_test_id("agor-approval").wait_for()
            ann.get_by_test_id("agor-session").locator('[data-agor-option="allow_once"]').click()
            for page in (ann, bea):
                panel = page.get_by_test_id("agor-session")
                expect(panel.get_by_test_id("agor-prompt").get_by_role("img", name="Ann")).to_be_visible()
                expect(panel).to_contain_text("Ann allowed")
                expect(panel).not_to_contain_text("Bea allowed")
            bea.get_by_test_id("agor-stop").click()
            for page in (ann, bea):
                expect(page.get_by_test_id("agor-task-end")).to_contain_text("Stopped by Bea")
            # The name is this browser's own, also after a reload.
            bea.reload()
            desk.settle(bea)
            desk.session(bea, session)
            expect(bea.get_by_test_id("agor-session")).to_contain_text("Ann allowed")
