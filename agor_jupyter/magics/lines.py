"""What each `%agor` sub-command does and prints. A table, one function a verb."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from getpass import getpass
from typing import Any

from IPython.display import display

from agor_jupyter.client.errors import ClientError
from agor_jupyter.magics import choose
from agor_jupyter.magics.desk import Desk
from agor_jupyter.magics.parse import (
    CELL_USAGE,
    VERBS,
    Answer,
    Connect,
    Help,
    LineCommand,
    Open,
    Sessions,
    Status,
)
from agor_jupyter.transcripts.answering import (
    choices,
    named_options,
    question_lines,
    remark,
    shown_of,
    told,
)
from agor_jupyter.transcripts.markdown import one_line, plain


def perform(desk: Desk, command: LineCommand) -> None:
    """Do what the line says. Raises `UsageError` and `ClientError`."""
    _PERFORM[type(command)](desk, command)


def _help(desk: Desk, command: Any) -> None:
    # What a line does stands under it: beside the longest one a notebook would have no room.
    print(CELL_USAGE)
    print("    send the lines below it to an agent; without a session, to the one used last")
    for verb in VERBS.values():
        print(f"%agor {verb.usage}\n    {verb.summary}")


def _status(desk: Desk, command: Any) -> None:
    me = desk.api.me()
    person = me.get("person") or {}
    print(f"{desk.api.http.address.url} · {person.get('display_name', '')} ({me.get('role', '')})")
    if me.get("read_only"):
        print(f"read-only: {me['read_only']}")
    sessions = desk.api.sessions()
    counts = Counter(str(session.get("status")) for session in sessions)
    said = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in counts.most_common())
    print(f"{len(sessions)} sessions{': ' + said if said else ''}")
    current = next((session for session in sessions if session["id"] == desk.session), None)
    if current is not None:
        print(f"this notebook: {one_line(str(current['title']))} ({current['id']})")
    for session in sessions:
        if reason := (session.get("waits") or {}).get("reason"):
            print(f"waits: {one_line(str(session['title']))}: {reason}")
    titles = {str(session["id"]): one_line(str(session["title"])) for session in sessions}
    for request in desk.api.permissions():
        asked = request.get("request") or {}
        title = one_line(str(asked.get("title", "")))
        print(f"waits: {title}  →  %agor answer {request['id']} {choices(asked)}")
        if where := titles.get(str(request.get("session_id"))):
            print(f"         in {where}")
        for line in shown_of(asked):
            print(f"         | {line}")
        for option, name in named_options(asked):
            print(f"         {option}: {name}")
        if why := remark(asked):
            print(f"         {why}")
        for question in asked.get("questions") or ():
            words, offered = question_lines(question)
            print(f"         {words}")
            for line in offered:
                print(f"           - {line}")


def _sessions(desk: Desk, command: Any) -> None:
    names = {str(worktree["id"]): str(worktree["name"]) for worktree in desk.api.worktrees()}
    rows = [_row(session, names, desk.session) for session in desk.api.sessions()]
    if not rows:
        print("There is no session yet: `%%agor -w WORKTREE` begins one.")
    widths = [max((len(row[at]) for row in rows), default=0) for at in range(5)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _row(session: Mapping[str, Any], names: Mapping[str, str], current: str) -> list[str]:
    mark = "▸ " if session["id"] == current else "  "
    worktree = names.get(str(session["worktree_id"]), str(session["worktree_id"]))
    status = str(session["status"]).replace("_", " ")
    return [
        mark + str(session["id"]),
        status,
        str(session["agent"]),
        worktree,
        one_line(str(session["title"]), 60),
    ]


def _open(desk: Desk, command: Any) -> None:
    session = choose.find(command.session, desk.api.sessions(), "session", "title")
    desk.session = str(session["id"])
    where = desk.api.transcript(desk.session)
    title = plain(str(session["title"]))
    link = where.get("url")
    path = where.get("lab_path") or where.get("path") or ""
    shown = f"[{title}]({link})" if isinstance(link, str) and link.startswith(("http", "/")) else title
    text = f"{shown} · `%%agor` cells go to it now · {plain(str(path))}"
    display({"text/markdown": text, "text/plain": text}, raw=True)  # type: ignore[no-untyped-call]  # IPython's


def _answer(desk: Desk, command: Any) -> None:
    waiting = [
        {**request, "title": (request.get("request") or {}).get("title", "")}
        for request in desk.api.permissions()
    ]
    found = choose.find(command.request, waiting, "request", "title")
    request = found["request"]
    given = choose.answer_for(command.words, request)
    desk.api.answer(
        str(found["id"]),
        option_id=given.option_id,
        message=given.message,
        answers=given.answers,
        digest=request.get("digest"),
    )
    print(told(request, given.option_id, given.answers, given.message))


def _connect(desk: Desk, command: Any) -> None:
    try:
        api = desk.connect(command.url, command.token)
    except ClientError:
        if command.token or "token=" in command.url:
            raise
        # A token that is typed here does not stay in the notebook.
        api = desk.connect(command.url, getpass("Token of the server: "))
    print(f"Connected to {api.http.address.url}")


_PERFORM: dict[type, Callable[[Desk, Any], None]] = {
    Help: _help,
    Status: _status,
    Sessions: _sessions,
    Open: _open,
    Answer: _answer,
    Connect: _connect,
}
