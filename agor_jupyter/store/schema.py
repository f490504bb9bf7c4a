"""The database's schema as a list of steps. A step that was released is never edited: add another.

`PRAGMA user_version` counts the steps that were taken.

`events` grows at its end only, and finds a session's events by a narrow index of numbers. Clustering
the rows by session was tried: with 100 sessions at work each commit then rewrites 100 pages, and
takes three times as long. `sessions` and `tasks` are what the events of a session fold to, written in the
same transaction. What each chunk changes of a session stands in `tails`, with what lists sort by: `body`,
some twenty times as long, is written only when something else changed (see `session_rows`).
"""

from __future__ import annotations

Step = tuple[str, ...]


def _things(name: str) -> str:
    return f"""CREATE TABLE {name} (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT UNIQUE NOT NULL,
        body TEXT NOT NULL
    )"""


FIRST: Step = (
    """CREATE TABLE sessions (
        number INTEGER PRIMARY KEY,
        id TEXT UNIQUE NOT NULL,
        worktree_id TEXT NOT NULL,
        body TEXT NOT NULL
    )""",
    "CREATE INDEX sessions_by_worktree ON sessions (worktree_id)",
    """CREATE TABLE tails (
        session INTEGER PRIMARY KEY REFERENCES sessions (number),
        archived INTEGER NOT NULL,
        status TEXT NOT NULL,
        updated_ms INTEGER NOT NULL,
        last_seq INTEGER NOT NULL,
        last_words TEXT NOT NULL
    )""",
    "CREATE INDEX tails_by_update ON tails (archived, updated_ms, session)",
    "CREATE INDEX tails_by_status ON tails (archived, status, updated_ms, session)",
    """CREATE TABLE events (
        session INTEGER NOT NULL REFERENCES sessions (number),
        seq INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        task_id TEXT,
        body TEXT NOT NULL,
        PRIMARY KEY (session, seq)
    )""",
    """CREATE TABLE tasks (
        id TEXT PRIMARY KEY NOT NULL,
        session INTEGER NOT NULL REFERENCES sessions (number),
        queued_seq INTEGER NOT NULL,
        body TEXT NOT NULL
    )""",
    "CREATE INDEX tasks_by_session ON tasks (session, queued_seq)",
    """CREATE TABLE requests (
        number INTEGER PRIMARY KEY,
        id TEXT UNIQUE NOT NULL,
        session INTEGER NOT NULL REFERENCES sessions (number),
        asked_seq INTEGER NOT NULL,
        resolved_seq INTEGER
    )""",
    "CREATE INDEX requests_pending ON requests (number) WHERE resolved_seq IS NULL",
    """CREATE TABLE runners (
        id TEXT PRIMARY KEY NOT NULL,
        session_id TEXT NOT NULL,
        handle TEXT NOT NULL,
        consumed INTEGER NOT NULL DEFAULT 0
    )""",
    """CREATE TABLE workspace_events (
        seq INTEGER PRIMARY KEY,
        body TEXT NOT NULL
    )""",
    _things("repos"),
    _things("worktrees"),
    "CREATE INDEX worktrees_by_repo ON worktrees (json_extract(body, '$.repo_id'), number)",
    "CREATE INDEX worktrees_by_board ON worktrees (json_extract(body, '$.board_id'), number)",
    _things("boards"),
    """CREATE TABLE answers (
        actor TEXT NOT NULL,
        key TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        status INTEGER NOT NULL,
        body TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (actor, key)
    )""",
    "CREATE INDEX answers_by_age ON answers (at_ms)",
    "CREATE TABLE snapshots (room_id TEXT PRIMARY KEY NOT NULL, content BLOB NOT NULL)",
    """CREATE TABLE settings (
        user TEXT NOT NULL,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (user, name)
    )""",
    """CREATE TABLE tokens (
        digest TEXT PRIMARY KEY NOT NULL,
        user TEXT NOT NULL,
        purpose TEXT NOT NULL,
        created_ms INTEGER NOT NULL
    )""",
)

CREDENTIALS: Step = (
    """CREATE TABLE credentials (
        user TEXT NOT NULL,
        name TEXT NOT NULL,
        sealed BLOB NOT NULL,
        set_ms INTEGER NOT NULL,
        PRIMARY KEY (user, name)
    )""",
    """CREATE TABLE own_servers (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT UNIQUE NOT NULL,
        owner TEXT NOT NULL,
        body TEXT NOT NULL
    )""",
    "CREATE INDEX own_servers_by_owner ON own_servers (owner, number)",
)

STEPS: tuple[Step, ...] = (FIRST, CREDENTIALS)
