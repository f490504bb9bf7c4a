"""The demo's story without a browser: prompt, edit, approval, test, checkpoint, transcript, card.

Each step is printed with its time; the exit code is 0 only if every thing is really there.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import nbformat
from tornado.httpclient import HTTPError
from tornado.websocket import WebSocketError

from agor_jupyter.cli.board_look import look
from agor_jupyter.cli.lab import Lab
from agor_jupyter.client.api import Api, Record
from agor_jupyter.client.errors import ClientError
from agor_jupyter.client.http import Http, parse_url
from agor_jupyter.client.stream import Follower

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
        except (StoryFailed, ClientError) as error:
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


def _follow(api: Api, session_id: str, clock: Clock, seconds: float = STORY_SECONDS) -> Record:
    """Follow the session to the end of its task, allowing what is asked for."""
    with _limited(api.follow(session_id), seconds) as follower:
        for event in follower:
            update = event["update"]
            if update["type"] == "tool_call":
                clock.say(f"tool: {update['title'][:TITLE_WIDTH]}")
            elif update["type"] == "permission_request":
                _allow(api, update, clock)
            elif update["type"] == "queue_paused":
                raise StoryFailed(f"the queue was held: {update['reason']} {update['hint']}")
            elif update["type"] == "task_ended":
                clock.say(f"the task has ended: {update['stop_reason']}")
                return dict(update)
    # A follower takes a broken stream up again by itself: it ends only when it is stopped.
    raise StoryFailed(f"the task did not end within {seconds:g} s")


@contextmanager
def _limited(follower: Follower, seconds: float) -> Iterator[Follower]:
    """Stop following after `seconds`, whatever is heard: a silent agent sends no event to look at."""
    timer = threading.Timer(seconds, follower.stop)
    timer.daemon = True
    timer.start()
    try:
        yield follower
    finally:
        timer.cancel()


def _allow(api: Api, request: Record, clock: Clock) -> None:
    title = request["title"][:TITLE_WIDTH]
    clock.say(f"asks: {title}")
    offered = {item["kind"]: item["option_id"] for item in request["options"]}
    if "allow_once" not in offered:
        kinds = ", ".join(sorted(offered)) or "nothing"
        raise StoryFailed(f"{title!r} cannot be allowed once: it offers {kinds}")
    api.answer(request["request_id"], option_id=offered["allow_once"], digest=request["digest"])
    clock.say("      allowed once")


def _check_files(tree: Path, ended: Record, clock: Clock) -> None:
    changed = _git(tree, "diff", "--name-only", "HEAD")
    if not changed:
        raise StoryFailed("no file was edited")
    clock.say(f"edited: {', '.join(changed.split())} (+{ended['lines_added']} −{ended['lines_removed']})")
    test = _run(tree, sys.executable, "-m", "unittest", "-q")
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
    return _run(tree, "git", *arguments).stdout.strip()


def _run(tree: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            argv, cwd=tree, capture_output=True, text=True, check=False, timeout=COMMAND_SECONDS
        )
    except subprocess.TimeoutExpired:
        line = " ".join([Path(argv[0]).name, *argv[1:]])
        raise StoryFailed(f"{line!r} did not end within {COMMAND_SECONDS:.0f} s") from None


def _check_transcript(api: Api, session_id: str, clock: Clock) -> None:
    def drawn() -> Path | None:
        path = Path(api.transcript(session_id)["path"])
        if not path.exists():
            return None
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]  # nbformat is untyped
        try:
            nbformat.validate(notebook)
        except nbformat.ValidationError as error:
            raise StoryFailed(f"the transcript is no valid notebook: {error}") from None
        states = [cell.metadata.get("agor", {}).get("state") for cell in notebook.cells]
        return path if "end_turn" in states else None

    path = _wait("the transcript", drawn)
    clock.say(f"transcript: {path.name}")


def _check_board(lab: Lab, tree: Record, session_id: str, clock: Clock) -> None:
    def shown() -> bool:
        try:
            found = look(lab.url, lab.token, tree["board_id"])
        except (OSError, HTTPError, WebSocketError):
            return False  # asked again until the deadline
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
