"""The command palette, by keyboard."""

from __future__ import annotations

from playwright.sync_api import Page, TimeoutError

ITEMS = ".lm-CommandPalette-item"
FOCUSED = "(selector) => document.activeElement?.closest(selector) !== null"
LISTEN = """() => {
  const { commands } = window.jupyterapp;
  if (!window.agorRan) {
    commands.commandExecuted.connect((_, { id }) => id.startsWith('agor:') && window.agorRan.push(id));
  }
  window.agorRan = [];
}"""
RAN = """(label) => {
  const { commands } = window.jupyterapp;
  return window.agorRan.some(id => commands.label(id).includes(label));
}"""


def press_until(page: Page, key: str, selector: str, most: int = 40) -> None:
    """Press `key` until what `selector` names has the focus."""
    for _ in range(most):
        if page.evaluate(FOCUSED, selector):
            return
        page.keyboard.press(key)
        page.wait_for_timeout(60)
    where = page.evaluate("document.activeElement?.outerHTML.slice(0, 300)")
    raise AssertionError(f"{key} does not lead to {selector}; the focus is on {where}")


def find(page: Page, words: str, item: str) -> None:
    """Type into the palette until `item` is shown: a page that still settles may close it again."""
    for _ in range(20):
        press_until(page, "Control+Shift+C", ".lm-CommandPalette-search, #modal-command-palette", 100)
        page.keyboard.press("Control+A")
        page.keyboard.type(words)
        try:
            page.locator(item).first.wait_for(timeout=3000)
        except TimeoutError:
            continue
        return
    raise AssertionError(f"the palette does not show {words}")


def choose(page: Page, label: str) -> None:
    """Run a command by typing its name into the palette: again where the palette was closed before Enter."""
    item = f'{ITEMS}.lm-mod-active:not(.lm-mod-disabled):has-text("{label}")'
    page.evaluate(LISTEN)
    for _ in range(5):
        find(page, label, item)
        page.keyboard.press("Enter")
        try:
            page.wait_for_function(RAN, arg=label, timeout=2000)
        except TimeoutError:
            continue
        return
    raise AssertionError(f"Enter does not run {label}")
