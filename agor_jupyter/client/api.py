"""The server's verbs as functions, one a verb. They block; answers are JSON as the server gives it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agor_jupyter.client.http import Http
from agor_jupyter.client.stream import Follower

Record = dict[str, Any]  # one of the server's records: a session, a task, a worktree …

PAGE = 100


@dataclass(frozen=True)
class Api:
    http: Http

    def me(self, *, timeout: float | None = None) -> Record:
        """Say who one is to the server: `{person, role, permissions, …}`."""
        return self._record("GET", "/me", timeout=timeout)

    def agents(self) -> list[Record]:
        return list(self._all("/agents"))

    def worktrees(self) -> list[Record]:
        return list(self._all("/worktrees"))

    def sessions(self, *, worktree_id: str | None = None) -> list[Record]:
        """List sessions that are not archived, last updated first."""
        return list(self._all("/sessions", {"worktree_id": worktree_id}))

    def session(self, session_id: str) -> Record:
        return self._record("GET", f"/sessions/{session_id}")

    def create_session(
        self, worktree_id: str, agent: str, *, mode: str | None = None, title: str | None = None
    ) -> Record:
        given = {"worktree_id": worktree_id, "agent": agent, "mode": mode, "title": title}
        return self._record("POST", "/sessions", {key: value for key, value in given.items() if value})

    def prompt(self, session_id: str, text: str) -> Record:
        """Queue a prompt; gives its task. It is safe on the server's disk when this returns."""
        return self._record("POST", f"/sessions/{session_id}/tasks", {"prompt": text})

    def set_mode(self, session_id: str, mode: str) -> Record:
        return self._record("PATCH", f"/sessions/{session_id}", {"mode": mode})

    def task(self, task_id: str) -> Record:
        return self._record("GET", f"/tasks/{task_id}")

    def remove_task(self, task_id: str) -> Record:
        """Take a prompt out of the queue."""
        return self._record("DELETE", f"/tasks/{task_id}")

    def interrupt(self, session_id: str, *, timeout: float | None = None) -> Record:
        return self._record("POST", f"/sessions/{session_id}/interrupt", {}, timeout=timeout)

    def resume(self, session_id: str) -> Record:
        return self._record("POST", f"/sessions/{session_id}/resume", {})

    def permissions(self) -> list[Record]:
        """List what waits for an answer, oldest first."""
        return list(self._all("/permissions", {"state": "pending"}))

    def answer(
        self,
        request_id: str,
        *,
        option_id: str | None = None,
        message: str = "",
        answers: Mapping[str, str] | None = None,
        digest: str | None = None,
    ) -> Record:
        """Answer a request. A second answer is a `ClientError` of status 409 that names the first."""
        body: Record = {"option_id": option_id, "message": message}
        body |= {"answers": dict(answers)} if answers else {}
        body |= {"digest": digest} if digest else {}
        return self._record("POST", f"/permissions/{request_id}", body)

    def events(
        self, session_id: str, *, after_seq: int = 0, limit: int = 500, task_id: str | None = None
    ) -> list[Record]:
        """Read one page of events after `after_seq`."""
        query = {"after_seq": after_seq, "limit": limit, "task_id": task_id}
        answer = self.http.request("GET", f"/sessions/{session_id}/events", query=query)
        return list(answer["items"])

    def follow(self, session_id: str, *, after_seq: int = 0, task_id: str | None = None) -> Follower:
        return Follower(self.http, session_id, after_seq=after_seq, task_id=task_id)

    def transcript(self, session_id: str, *, rebuild: bool = False) -> Record:
        """Say where a session's notebook is: `{path, lab_path, url}`; drawn again when asked."""
        method = "POST" if rebuild else "GET"
        return self._record(method, f"/sessions/{session_id}/transcript", {} if rebuild else None)

    def _record(
        self, method: str, path: str, body: Record | None = None, *, timeout: float | None = None
    ) -> Record:
        answer = self.http.request(method, path, body=body, timeout=timeout)
        return answer if isinstance(answer, dict) else {}

    def _all(self, path: str, query: Mapping[str, object] | None = None) -> Iterator[Record]:
        cursor: str | None = None
        while True:
            answer = self.http.request("GET", path, query={**(query or {}), "limit": PAGE, "cursor": cursor})
            yield from answer["items"]
            cursor = answer.get("next")
            if cursor is None:
                return
