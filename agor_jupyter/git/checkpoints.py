"""Record a worktree's files as a commit on a private ref, and read such commits back.

A checkpoint is made beside the agent's own work: a copy of the index takes the files, and neither
the worktree's index, its HEAD, its branch nor any hook is touched. It works in the middle of a
merge, before the first commit, and while somebody holds `index.lock`.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Literal

from agor_jupyter.domain.content import Checkpoint
from agor_jupyter.domain.errors import GitFailed
from agor_jupyter.domain.ids import SessionId, TaskId
from agor_jupyter.domain.repo import FileChange, RecordedCheckpoint
from agor_jupyter.git.index import borrowed_index
from agor_jupyter.git.names import check_ref_part, check_revision
from agor_jupyter.git.parse import Change, parse_changes, parse_records, printable, totals
from agor_jupyter.git.run import Git

_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Agor"), ("EMAIL", "agor@localhost"))
}
_ADD_TIMEOUT_SECONDS = 300.0
_TRIES = 4
_MOST_PASSED_OVER = 40
_NAMED = re.compile(r"fatal: unable to stat '(.+)': ", re.DOTALL)
_VANISHED = re.compile(r"unable to (?:stat|index)|failed to insert|short read|No such file|unable to process")


@dataclass(frozen=True)
class Changes:
    """What differs between two commits."""

    files: tuple[FileChange, ...]
    lines_added: int
    lines_removed: int


async def record(
    git: Git,
    worktree: str,
    session_id: SessionId,
    task_id: TaskId,
    kind: Literal["start", "end"] = "end",
    *,
    prompted_by: str = "",
) -> Checkpoint:
    """Commit the files of `worktree` as they are to `refs/agor/<session>/<task>-<kind>`.

    Untracked files are in, ignored ones are not; a nested repository is its commit only. Recording
    again moves the ref. `head_sha` is empty before the first commit. A file that appears or goes
    meanwhile may be in or not; it never makes this fail.
    """
    ref = f"refs/agor/{check_ref_part(session_id)}/{check_ref_part(task_id)}-{kind}"
    message = f"Checkpoint: {kind} of {task_id}\n\nAgor-Session: {session_id}\nAgor-Task: {task_id}\n"
    if prompted_by:
        message += f"Agor-Prompted-By: {_one_line(prompted_by)}\n"
    return await snapshot(git, worktree, ref, message)


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x20\x7f<>]+", " ", printable(text)).strip()[:200]


async def snapshot(git: Git, worktree: str, ref: str, message: str) -> Checkpoint:
    """Commit the files of `worktree` to `ref`, with HEAD as the parent."""
    head_sha = await head_of(git, worktree)
    async with borrowed_index(git, worktree, head_sha) as variables:
        await _take_files(git, worktree, variables)
        tree = (await git.run("write-tree", cwd=worktree, environment=variables)).line
    sha = await commit_tree(git, worktree, tree, head_sha, message)
    await git.run("update-ref", "--end-of-options", ref, sha, cwd=worktree)
    return Checkpoint(ref=ref, sha=sha, head_sha=head_sha)


async def commit_tree(git: Git, cwd: str, tree: str, parent: str, message: str) -> str:
    parents = ["-p", parent] if parent else []
    made = await git.run(
        "commit-tree", "--no-gpg-sign", *parents, "-F", "-", tree,
        cwd=cwd, stdin=message.encode(), environment=_IDENTITY,
    )  # fmt: skip
    return made.line


async def head_of(git: Git, worktree: str) -> str:
    """Give the commit that HEAD names, or an empty text before the first one."""
    head = await git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", cwd=worktree, ok=(0, 1, 128))
    return head.line if head.code == 0 else ""


async def _take_files(git: Git, worktree: str, variables: dict[str, str]) -> None:
    """Add everything; a file that cannot be read is left out, one that vanishes is tried again.

    Where files come and go all the time, those that git stumbles over stay as the index has them.
    """
    passed_over: list[str] = []
    for attempt in range(_TRIES + _MOST_PASSED_OVER):
        try:
            await git.run(
                "-c", "core.safecrlf=false", "add", "--all", "--ignore-errors", "--", *passed_over,
                cwd=worktree, environment=variables, ok=(0, 1), timeout_seconds=_ADD_TIMEOUT_SECONDS,
            )  # fmt: skip
            return
        except GitFailed as error:
            if attempt == _TRIES + _MOST_PASSED_OVER - 1 or not _VANISHED.search(error.detail):
                raise
            named = _NAMED.search(error.detail)
            if attempt >= _TRIES - 1 and named is not None:
                passed_over.append(f":(top,exclude,literal){named[1]}")
            await asyncio.sleep(0.05 * min(attempt + 1, _TRIES))


async def list_recorded(git: Git, repo: str, session_id: SessionId) -> list[RecordedCheckpoint]:
    """List the checkpoints of a session, oldest first.

    A commit's time has no fractions of a second: tasks follow by their first time, and a task's start is
    before its end.
    """
    form = "%(refname)%00%(objectname)%00%(committerdate:unix)%00"
    prefix = f"refs/agor/{check_ref_part(session_id)}/"
    listed = await git.run("for-each-ref", "--sort=committerdate", f"--format={form}", prefix, cwd=repo)
    found = []
    for ref, sha, seconds in parse_records(listed.stdout, 3):
        task_id, _, kind = ref.removeprefix(prefix).rpartition("-")
        if kind == "start" or kind == "end":
            found.append(
                RecordedCheckpoint(
                    ref=ref, sha=sha, session_id=session_id, task_id=TaskId(task_id), kind=kind,
                    at_ms=int(seconds) * 1000,
                )
            )  # fmt: skip
    begun = {item.task_id: item.at_ms for item in reversed(found)}
    return sorted(found, key=lambda item: (begun[item.task_id], item.task_id, item.kind == "end"))


async def changes(git: Git, repo: str, from_sha: str, to_sha: str) -> Changes:
    """Say which files differ between two commits, renames found, with their line counts.

    An empty `from_sha` stands for the empty tree (a checkpoint before the first commit).
    """
    found = await changed_files(git, repo, from_sha, to_sha)
    added, removed = totals(found)
    return Changes(tuple(file_change(change) for change in found), added, removed)


async def changed_files(git: Git, repo: str, from_sha: str, to_sha: str) -> list[Change]:
    old = check_revision(from_sha) if from_sha else await empty_tree(git, repo)
    listed = await git.run(
        "diff-tree", "-r", "-z", "--raw", "--numstat", "--no-abbrev", "--find-renames",
        "--no-ext-diff", "--no-textconv", "--end-of-options", old, check_revision(to_sha),
        cwd=repo,
    )  # fmt: skip
    return parse_changes(listed.stdout)


async def empty_tree(git: Git, repo: str) -> str:
    return (await git.run("hash-object", "-t", "tree", "--stdin", cwd=repo, stdin=b"")).line


def file_change(change: Change) -> FileChange:
    return FileChange(
        path=printable(change.path),
        status=change.status,
        old_path=None if change.old_path is None else printable(change.old_path),
        lines_added=change.lines_added,
        lines_removed=change.lines_removed,
    )
