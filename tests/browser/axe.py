"""axe-core in a page: what it finds serious or critical inside what is ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async (roots) => {
  const include = roots.filter(root => document.querySelector(root) !== null).map(root => [root]);
  const {violations, passes} = await axe.run({include}, {resultTypes: ['violations']});
  return {
    roots: include.length,
    passes: passes.length,
    found: violations
      .filter(each => each.impact === 'serious' || each.impact === 'critical')
      .flatMap(each => each.nodes.map(node => [
        each.id, node.target.join(' '), node.html.slice(0, 120), ...node.any.map(why => why.message)
      ].join(' | ')))
  };
}"""


def check(page: Page, *roots: str) -> list[str]:
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    page.wait_for_timeout(400)
    answer: dict[str, Any] = page.evaluate(RUN, list(roots))
    assert answer["roots"] == len(roots), roots
    assert answer["passes"] > 0, "axe looked at nothing"
    return [f"{roots[0]}: {each}" for each in answer["found"]]
