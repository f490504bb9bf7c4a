"""The demo's story without a browser: prompt, edit, approval, test, checkpoint, transcript, card.

Each step is printed with its time; the exit code is 0 only if every thing is really there.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import nbformat

from agor_jupyter.cli.board_look import look
from agor_jupyter.cli.lab import Lab
from agor_jupyter.client.api import Api, Record
from agor_jupyter.client.http import Http, parse_url

STORY_SECONDS = 300.0
SETTLE_SECONDS = 20.0
COMMAND_SECONDS = 60.0
TITLE_WIDTH = 60

T = TypeVar("T")


class StoryFailed(Exception):
    """A thing that should be there is not; the message says which."""


class Clock:
    """Prints steps with the seconds since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self._start:7.2f} s  {text}", flush=True)


def run(lab: Lab, agent: str) -> int:
    """Tell the story; give 0 when all of it is true."""
    clock = Clock()
    with lab.running():
        try:
            lab.wait_ready()
            clock.say("JupyterLab is up; the board has its zones and worktrees")
            address, _ = parse_url(lab.url)
            _tell(Api(Http(address, lab.token)), lab, agent, clock)
        except StoryFailed as error:
            clock.say(f"FAILED: {error}")
            return 1
    clock.say("the server has stopped, with its agents")
    return 0


def _tell(api: Api, lab: Lab, agent: str, clock: Clock) -> None:
    session = _wait("the session", lambda: next(iter(api.sessions()), None))
    clock.say(f"{agent} works in a worktree of its own: {session['title']}")
    ended = _follow(api, session["id"], clock)
    if ended["stop_reason"] != "end_turn":
        raise StoryFailed(f"the task ended with {ended['stop_reason']}: {ended['error']} {ended['hint']}")
    tree = next(tree for tree in api.worktrees() if tree["id"] == session["worktree_id"])
    _check_files(Path(tree["path"]), ended, clock)
    _check_transcript(api, session["id"], clock)
    _check_board(lab, tree, session["id"], clock)


def _follow(api: Api, session_id: str, clock: Clock) -> Record:
    """Follow the session to the end of its task, allowing what is asked for."""
    deadline = time.monotonic() + STORY_SECONDS
    for event in api.follow(session_id):
        update = event["update"]
        if update["type"] == "tool_call":
            clock.say(f"tool: {update['title'][:TITLE_WIDTH]}")
        elif update["type"] == "permission_request":
            clock.say(f"asks: {update['title'][:TITLE_WIDTH]}")
            allowed = next(item for item in update["options"] if item["kind"] == "allow_once")
            api.answer(update["request_id"], option_id=allowed["option_id"], digest=update["digest"])
            clock.say("      allowed once")
        elif update["type"] == "queue_paused":
            raise StoryFailed(f"the queue was held: {update['reason']} {update['hint']}")
        elif update["type"] == "task_ended":
            clock.say(f"the task has ended: {update['stop_reason']}")
            return dict(update)
        if time.monotonic() > deadline:
            raise StoryFailed(f"the task did not end within {STORY_SECONDS:.0f} s")
    raise StoryFailed("the stream of events broke off")


def _check_files(tree: Path, ended: Record, clock: Clock) -> None:
    changed = _git(tree, "diff", "--name-only", "HEAD")
    if not changed:
        raise StoryFailed("no file was edited")
    clock.say(f"edited: {', '.join(changed.split())} (+{ended['lines_added']} −{ended['lines_removed']})")
    test = subprocess.run(
        [sys.executable, "-m", "unittest", "-q"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if test.returncode:
        raise StoryFailed(f"the test still fails:\n{test.stderr[-1000:]}")
    clock.say("the test passes")
    checkpoint = ended["checkpoint"]
    if checkpoint is None or _git(tree, "cat-file", "-t", checkpoint["ref"]) != "commit":
        raise StoryFailed("there is no checkpoint commit")
    if _git(tree, "diff", "--name-only", checkpoint["ref"]):
        raise StoryFailed("the checkpoint does not hold the files as they are")
    clock.say(f"checkpoint: {checkpoint['sha'][:10]} on {checkpoint['ref']}")


def _git(tree: Path, *arguments: str) -> str:
    found = subprocess.run(
        ["git", *arguments], cwd=tree, capture_output=True, text=True, check=False, timeout=60
    )
    return found.stdout.strip()


def _check_transcript(api: Api, session_id: str, clock: Clock) -> None:
    def drawn() -> Path | None:
        path = Path(api.transcript(session_id)["path"])
        if not path.exists():
            return None
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]  # nbformat is untyped
        nbformat.validate(notebook)
        states = [cell.metadata.get("agor", {}).get("state") for cell in notebook.cells]
        return path if "end_turn" in states else None

    path = _wait("the transcript", drawn)
    clock.say(f"transcript: {path.name}")


def _check_board(lab: Lab, tree: Record, session_id: str, clock: Clock) -> None:
    def shown() -> bool:
        found = look(lab.url, lab.token, tree["board_id"])
        return tree["id"] in found.cards and found.sessions.get(session_id, {}).get("status") == "idle"

    _wait("the board's card", lambda: shown() or None)
    clock.say("the board has the card, and the session at rest on it")


def _wait(what: str, find: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + SETTLE_SECONDS
    while (found := find()) is None:
        if time.monotonic() > deadline:
            raise StoryFailed(f"{what} did not come within {SETTLE_SECONDS:.0f} s")
        time.sleep(0.1)
    return found
