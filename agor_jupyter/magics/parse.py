"""What a person wrote after `%agor` or `%%agor`, as values. Pure; no server is asked here."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass


class UsageError(Exception):
    """The line cannot be read. Its text is one line that says how it should be."""


@dataclass(frozen=True)
class Help:
    pass


@dataclass(frozen=True)
class Status:
    pass


@dataclass(frozen=True)
class Sessions:
    pass


@dataclass(frozen=True)
class Open:
    session: str


@dataclass(frozen=True)
class Connect:
    url: str
    token: str


@dataclass(frozen=True)
class Answer:
    """`words` are an option and a message, or the answers to questions: the request says which."""

    request: str
    words: tuple[str, ...]


LineCommand = Help | Status | Sessions | Open | Connect | Answer


@dataclass(frozen=True)
class Verb:
    """A sub-command: how it is written, what it does, how its words are read."""

    usage: str
    summary: str
    read: Callable[[list[str]], LineCommand | None]


def _read_connect(words: list[str]) -> LineCommand | None:
    return Connect(words[0], words[1] if len(words) > 1 else "") if 1 <= len(words) <= 2 else None


def _read_answer(words: list[str]) -> LineCommand | None:
    return Answer(words[0], tuple(words[1:])) if len(words) >= 2 else None


VERBS: dict[str, Verb] = {
    "status": Verb(
        "status", "the server, who you are, what runs and what waits", lambda w: None if w else Status()
    ),
    "sessions": Verb("sessions", "the sessions, last used first", lambda w: None if w else Sessions()),
    "open": Verb(
        "open SESSION",
        "send the next %%agor cells to this session, and link its notebook",
        lambda w: Open(" ".join(w)) if w else None,
    ),
    "answer": Verb(
        'answer REQUEST allow|always|reject|OPTION [MESSAGE] | TEXT | [NAME=]"TEXT" …',
        "answer what an agent asks; several questions in their order, or by name",
        _read_answer,
    ),
    "connect": Verb("connect URL [TOKEN]", "use this server", _read_connect),
    "help": Verb("help", "this list", lambda w: None if w else Help()),
}
CELL_USAGE = "%%agor [SESSION | -w WORKTREE] [--agent AGENT] [--mode MODE]"
MODES = ("ask", "accept_edits", "plan", "full_auto")


def parse_line(line: str) -> LineCommand:
    """Read what follows `%agor`. Raises `UsageError`."""
    words = _words(line)
    if not words:
        return Help()
    verb = VERBS.get(words[0])
    if verb is None:
        raise UsageError(f"%agor has no {words[0]!r}: it knows {', '.join(VERBS)}.")
    command = verb.read(words[1:])
    if command is None:
        raise UsageError(f"Use: %agor {verb.usage}")
    return command


@dataclass(frozen=True)
class CellOptions:
    """Where a cell's prompt goes: `session` is an id, a unique prefix of one, or a title."""

    session: str = ""
    worktree: str = ""
    agent: str = ""
    mode: str = ""


OPTIONS = {"-w": "worktree", "--worktree": "worktree", "--agent": "agent", "-a": "agent", "--mode": "mode"}


def parse_cell(line: str) -> CellOptions:
    """Read the first line of a `%%agor` cell. Raises `UsageError`."""
    given: dict[str, str] = {}
    words = iter(_words(line))
    for word in words:
        flag, equals, value = word.partition("=")
        name = OPTIONS.get(flag)
        if name is not None:
            given[name] = value if equals else next(words, "")
            if not given[name]:
                raise UsageError(f"{flag} needs a value. Use: {CELL_USAGE}")
        elif word.startswith("-"):
            raise UsageError(f"%%agor has no {word}. Use: {CELL_USAGE}")
        elif "session" in given:
            raise UsageError(f"Only one session can be named; quote a title with spaces. Use: {CELL_USAGE}")
        else:
            given["session"] = word
    options = CellOptions(**given)
    if options.session and options.worktree:
        raise UsageError("Name a session, or a worktree for a new one, not both.")
    if options.mode and options.mode not in MODES:
        raise UsageError(f"There is no mode {options.mode!r}: {', '.join(MODES)}.")
    return options


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"The line cannot be read: {str(error).lower()}.") from None
