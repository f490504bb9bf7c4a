"""What a kernel remembers of Agor between cells: the server, and the session used last."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agor_jupyter.client import discover
from agor_jupyter.client.api import Api
from agor_jupyter.client.discover import Server
from agor_jupyter.client.errors import ClientError
from agor_jupyter.magics import choose
from agor_jupyter.magics.parse import CellOptions, UsageError
from agor_jupyter.transcripts.markdown import one_line

CACHE_SECONDS = 20.0
TITLE_LENGTH = 80

Record = dict[str, Any]


class Desk:
    """One a kernel. Its methods block; none is called on an event loop."""

    def __init__(self, find: Callable[[], list[Server]] = discover.find_servers) -> None:
        self._find = find
        self._api: Api | None = None
        self.session = ""
        self._names: dict[str, list[str]] = {}
        self._names_at = -CACHE_SECONDS
        self._reading = threading.Lock()

    @property
    def api(self) -> Api:
        """The server, looked for when first used. Raises `NoServer`."""
        if self._api is None:
            self._api = discover.connect(self._find())
        return self._api

    def connect(self, url: str, token: str) -> Api:
        """Use this server from now on. Raises `ClientError` when it does not let us in."""
        self._api = discover.connect([Server(url, token, "that address")])
        self.session = ""
        self._names_at = -CACHE_SECONDS
        return self._api

    def forget(self) -> None:
        """Look for the server anew at the next use: this one let us down."""
        self._api = None

    # --- which session -------------------------------------------------------

    def recorded(self, cell_id: str | None) -> Record | None:
        """Give the task whose turn a transcript's cell shows, None for any other cell."""
        task_id = choose.recorded_task(cell_id)
        if task_id is None:
            return None
        try:
            return self.api.task(task_id)
        except ClientError as error:
            if error.status == 404:
                return None
            raise

    def session_for(self, options: CellOptions, recorded: Record | None, prompt: str) -> Record:
        """Choose or make the session that a cell's `prompt` goes to. Raises `UsageError`."""
        if options.worktree:
            session = self._new_session(options, prompt)
        else:
            session = self._known_session(options, recorded)
            if options.agent and options.agent != session["agent"]:
                raise UsageError(
                    f"{session['title']!r} is a session of {session['agent']}, not {options.agent}."
                )
            if options.mode and options.mode != session.get("mode"):
                session = self.api.set_mode(session["id"], options.mode)
        self.session = str(session["id"])
        if session.get("queue_paused"):
            # Sent now, the prompt would wait for a person who need not be here.
            raise UsageError(
                f"The queue of {session['title']!r} is paused ({session['queue_paused']}): "
                "let it go on in the session panel, then run this cell again."
            )
        return session

    def _new_session(self, options: CellOptions, prompt: str) -> Record:
        worktree = choose.find(options.worktree, self.api.worktrees(), "worktree", "name")
        agent = options.agent or self._first_agent()
        title = next((line for line in map(one_line, prompt.splitlines()) if line), "")
        return self.api.create_session(
            str(worktree["id"]), agent, mode=options.mode or None, title=one_line(title, TITLE_LENGTH)
        )

    def _first_agent(self) -> str:
        agents = self.api.agents()
        for agent in agents:
            if agent.get("installed") and agent.get("authenticated"):
                return str(agent["kind"])
        raise UsageError("No agent is ready on the server: install one, or name one with --agent.")

    def _known_session(self, options: CellOptions, recorded: Record | None) -> Record:
        if options.session:
            return dict(choose.find(options.session, self.api.sessions(), "session", "title"))
        if recorded is not None:
            return self.api.session(str(recorded["session_id"]))
        wanted = self.session or self._of_this_notebook()
        if wanted:
            return self.api.session(wanted)
        raise UsageError("Name a session, or a worktree: `%%agor SESSION` or `%%agor -w WORKTREE`.")

    def _of_this_notebook(self) -> str:
        notebook = os.environ.get("JPY_SESSION_NAME", "")
        if not notebook.endswith(".agor.ipynb"):
            return ""
        return session_in(Path(notebook)) or choose.transcript_session(notebook, self.api.sessions()) or ""

    # --- names for completion ------------------------------------------------

    def names(self) -> Mapping[str, list[str]]:
        """Give what was known last of sessions, worktrees, agents and requests; never waits.

        What is old is read anew by a thread, for the next time.
        """
        stale = time.monotonic() - self._names_at > CACHE_SECONDS
        if stale and self._reading.acquire(blocking=False):
            threading.Thread(target=self._read_names, name="agor-names", daemon=True).start()
        return self._names

    def _read_names(self) -> None:
        try:
            api = self.api
            self._names = {
                "session": [str(session["id"]) for session in api.sessions()],
                "worktree": [str(worktree["name"]) for worktree in api.worktrees()],
                "agent": [str(agent["kind"]) for agent in api.agents()],
                "request": [str(request["id"]) for request in api.permissions()],
            }
        except ClientError:
            self._names = {}  # no server, no names: completion is no place to complain
        finally:
            self._names_at = time.monotonic()
            self._reading.release()


def session_in(path: Path) -> str | None:
    """Read from a transcript notebook whose it is; None when it cannot be read here."""
    try:
        notebook = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    agor = notebook.get("metadata", {}).get("agor", {}) if isinstance(notebook, dict) else {}
    session = agor.get("session") if isinstance(agor, dict) else None
    return session if isinstance(session, str) else None
