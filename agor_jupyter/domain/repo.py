"""Repositories and worktrees as records; git's own words keep git's own meaning."""

from __future__ import annotations

import re
from typing import Literal

from agor_jupyter.domain.errors import InvalidName
from agor_jupyter.domain.ids import BoardId, RepoId, SessionId, TaskId, UserId, WorktreeId
from agor_jupyter.domain.model import Value

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class Repo(Value):
    """A git repository on this machine. `path` is its top folder, absolute and resolved.

    `trusted_by` and `trusted_ms` say who trusts it, and since when. `trusted_digest` is of the whole list
    that this person was shown; `trusted_items` are the digests of what was switched on, each with its
    contents: a checkout that holds anything else is not trusted.
    """

    id: RepoId
    name: str
    path: str
    default_branch: str
    owner: UserId
    created_ms: int
    trusted_by: UserId | None = None
    trusted_ms: int | None = None
    trusted_digest: str = ""
    trusted_items: tuple[str, ...] = ()


class ProjectFile(Value):
    """A file of a repository that somebody reads. `path` is relative; a folder's ends with a slash.

    `effect` is one sentence. `anywhere`: also in folders below. `runs`: it can name programs that are then
    run. `secret`: only its being there counts, its contents are not looked at. `active`: trust switches it
    on; what is not active is listed so that people know of it.
    """

    path: str
    effect: str
    anywhere: bool = False
    runs: bool = False
    secret: bool = False
    active: bool = True


class Worktree(Value):
    """A linked git worktree. `path` is absolute; `lab_path` is what JupyterLab opens, or None."""

    id: WorktreeId
    repo_id: RepoId
    name: str
    path: str
    lab_path: str | None = None
    branch: str
    base: str
    base_sha: str
    board_id: BoardId | None = None
    owner: UserId
    created_ms: int
    state: Literal["creating", "ready", "missing", "failed", "archived"] = "ready"
    detail: str = ""
    issue_url: str = ""
    pull_request_url: str = ""
    notes: str = ""


class FileChange(Value):
    path: str
    status: Literal["added", "modified", "deleted", "renamed", "untracked", "conflicted"]
    old_path: str | None = None
    lines_added: int | None = None  # None: a binary file, or not counted
    lines_removed: int | None = None


class WorktreeStatus(Value):
    """What git says of a worktree at one moment, and against its `base_sha`."""

    head_sha: str
    branch: str | None
    ahead: int = 0
    behind: int = 0
    changes: tuple[FileChange, ...] = ()
    lines_added: int = 0
    lines_removed: int = 0

    @property
    def clean(self) -> bool:
        return not self.changes


class FileDiff(FileChange):
    """One file's two texts, to be drawn as a diff.

    A text is None where the side does not exist, is binary, or was not read; `truncated` says that
    a text was cut or left out for its size.
    """

    old_text: str | None = None
    new_text: str | None = None
    binary: bool = False
    truncated: bool = False


class RecordedCheckpoint(Value):
    """A checkpoint as found in the repository. `at_ms` has the second's precision of a commit."""

    ref: str
    sha: str
    session_id: SessionId
    task_id: TaskId
    kind: Literal["start", "end"]
    at_ms: int


def check_worktree_name(name: str) -> str:
    """Give `name` back if it may become a folder, else raise `InvalidName`.

    One path component of letters, digits, dot, dash and underscore; never `.git`, never one that
    a file system or git reads specially (a trailing dot, `.lock`, `..`).
    """
    bad = (
        not _NAME.fullmatch(name)
        or ".." in name
        or name.endswith(".")
        or name.lower().endswith(".lock")
        or name.lower() in {"head", "con", "nul", "aux", "prn"}
    )
    if bad:
        raise InvalidName(
            f"{name[:80]!r} cannot be a worktree's name.",
            hint="Use letters, digits, dots, dashes and underscores; begin with a letter or digit; "
            "at most 63 characters.",
            name=name[:80],
        )
    return name
