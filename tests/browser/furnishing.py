"""What lies on the boards of the pictures: a team's afternoon, a crowd, and everything that can go wrong.

Each function furnishes a running stage and gives the ids that its pictures need.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.browser.crowd import CARDS, CROWD_BOARD, places
from tests.browser.stage import Stage, wait_for

MEND = "The test of the summary fails. Find out why, mend it, and show me that it passes."
TIDY = """Sort the imports of the test.

```demo
- say: "The imports are in order already: `csv` and `unittest`, then `pathlib`, then our own. "
- edit: {path: docs/imports.md, write: "Imports: the standard library first, then our own.\\n", ask: false}
- usage: {input_tokens: 1840, output_tokens: 212}
```"""
EXPLORE = """Look at the measurements: which values are far away?

```demo
- usage: {input_tokens: 5210, output_tokens: 640}
- repeat:
    times: 400
    steps:
      - say: "Values 17 and 31 lie more than three spreads away from the median. "
        delay_ms: 900
```"""
LONG_WORD = "measurements_of_the_third_quarter_" * 6
MANY = f"""קרא את כל הקבצים ותקן את מה ששבור. Read everything, then mend what is broken in {LONG_WORD}.csv

```demo
- think: "First the files. Then the test. There are more of them than anybody would read. "
- plan:
    - {{content: "Read all twelve files of the folder and say what each of them is for", status: completed}}
    - {{content: "תקן את החציון", status: in_progress}}
    - {{content: "Run the tests", status: pending}}
- repeat: {{times: 6, steps: [{{read: stats.py}}, {{read: tests/test_stats.py}}]}}
- say: |
    הבעיה היא ב־`median`: כשהרשימה ריקה היא נכשלת.

    | Value | Spread | What was said of it by everyone who has looked |
    |---|---|---|
    | {LONG_WORD} | 12.5 | far away |
    | 31 | 9.75 | near |

    ```python
    def {LONG_WORD}(values, *, ignore_empty=True, keep_order=False, report=print): return sorted(values)
    ```
- edit: {{path: docs/a/rather/deep/folder/{LONG_WORD}.md, write: "one\\ntwo\\nthree\\n", ask: false}}
- run:
    argv: ["{{python}}", "-c", "print('x' * 400); raise SystemExit(3)"]
    title: "Run all the tests of the summary, once more and with every warning"
    ask: false
- usage: {{input_tokens: 1234567, output_tokens: 98765}}
- run:
    argv: ["{{python}}", "-c", "print('{LONG_WORD}')"]
    title: "Print the name of the file of {LONG_WORD}"
```"""
FAIL = """Mend it.

```demo
- say: "I read the summary first. "
- read: stats.py
- fail: "The model's service answered: 529 overloaded. Nothing was changed."
```"""
CRASH = """Mend it all at once.

```demo
- say: "I begin with the median. "
- crash: 137
```"""


@dataclass(frozen=True)
class Scene:
    """What a furnished stage shows: a board, a session to read, one whose transcript is opened."""

    board: str
    session: str = ""
    transcript: str = ""
    worktree: str = ""


def typical(here: Stage) -> Scene:
    """Put a team's afternoon on the demo's planted board."""
    wait_for("the demo's board is planted", lambda: len(here.get("/worktrees")["items"]) == 3)
    board = str(here.get("/boards")["items"][0]["id"])
    trees = {item["name"]: str(item["id"]) for item in here.get("/worktrees")["items"]}
    wanted = [("sort-the-imports", 1040.0, 40.0), ("plot-the-spread", 700.0, 40.0)]
    for name, x, y in wanted:
        trees[name] = here.worktree(name, board, (x, y))
    done = here.session(trees["sort-the-imports"], TIDY, "Sort the imports", "full_auto")
    here.session(trees["explore-the-data"], EXPLORE, "Which values are far away?", "full_auto")
    waits = here.session(trees["plot-the-spread"], MEND, "Mend the median", "ask")
    here.wait_status(done, "idle", "failed")
    mend = next(s for s in here.get("/sessions")["items"] if s["title"] == "Mend the failing test")["id"]
    here.wait_status(mend, "awaiting_permission")
    here.wait_status(waits, "awaiting_permission")
    whole = here.session(trees["write-the-report"], MEND, "Mend and test", "full_auto")
    here.wait_status(whole, "idle", "failed")
    return Scene(board, str(mend), whole, trees["write-the-report"])


def empty(here: Stage) -> Scene:
    """A board with nothing on it, in a house without a repository."""
    return Scene(here.board("Board"))


def crowded(here: Stage) -> Scene:
    """Make the crowd of `crowd.seed_crowd` alive: two cards with sessions that work, wait and queue."""
    spots = list(zip(range(CARDS + 2), places(), strict=False))[CARDS:]
    first, second = (
        here.worktree(name, CROWD_BOARD, pos)
        for name, (_, pos) in zip(
            ("stream-for-ever", "read-everything-and-mend-what-is-broken"), spots, strict=True
        )
    )
    here.session(first, EXPLORE, "Which values are far away?", "full_auto")
    title = "קרא הכול ותקן: read everything, then mend what is broken in the measurements"
    busy = here.session(second, MANY, title, "ask")
    for number in range(9):
        here.post(f"/sessions/{busy}/tasks", {"prompt": f"{number + 1}. Then look at {LONG_WORD} once more"})
    here.wait_status(busy, "awaiting_permission")
    return Scene(CROWD_BOARD, busy, busy, second)


def failing(here: Stage) -> Scene:
    """Everything that can go wrong while the server is there."""
    board = here.board("Trouble")
    names = ("fails", "is-lost", "is-missing", "asks")
    trees = {name: here.worktree(name, board, (320.0 * place, 40.0)) for place, name in enumerate(names)}
    failed = here.session(trees["fails"], FAIL, "Mend the median", "full_auto")
    for prompt in ("Then sort the imports", "Then write the report"):
        here.post(f"/sessions/{failed}/tasks", {"prompt": prompt})
    lost = here.session(trees["is-lost"], CRASH, "Mend it all at once", "full_auto")
    here.session(trees["is-missing"], "", "Look at the data")
    asks = here.session(trees["asks"], MEND, "Mend and ask", "ask")
    here.wait_status(failed, "failed")
    here.wait_status(lost, "lost", "failed")
    here.wait_status(asks, "awaiting_permission")
    missing = here.get(f"/worktrees/{trees['is-missing']}")
    shutil.rmtree(Path(missing["path"]))
    here.ask("mona", "POST", "/sessions", {"worktree_id": trees["is-missing"], "agent": "demo"})
    wait_for(
        "the worktree is known to be missing",
        lambda: here.get(f"/worktrees/{trees['is-missing']}")["state"] == "missing",
    )
    return Scene(board, failed, failed, trees["fails"])
