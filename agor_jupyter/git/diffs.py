"""Answer what is different in a worktree: its status, and its files against a commit.

Reads only: never takes a lock that an agent could want, never runs an external diff or a textconv,
never enters a submodule.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from agor_jupyter.domain.errors import GitFailed, NotFound, Unprocessable
from agor_jupyter.domain.repo import FileChange, FileDiff, WorktreeStatus
from agor_jupyter.git.blobs import Blob, read_blobs
from agor_jupyter.git.checkpoints import Changes, changed_files, empty_tree, file_change, head_of
from agor_jupyter.git.index import borrowed_index
from agor_jupyter.git.names import check_revision
from agor_jupyter.git.parse import (
    Change,
    StatusReport,
    parse_changes,
    parse_names,
    parse_status,
    printable,
    totals,
)
from agor_jupyter.git.run import Git

TEXT_BYTES = 256 << 10
_ALL_TEXT_BYTES = 16 << 20
_FILES_WITH_TEXT = 500
_FILES_COUNTED = 500
_COUNTED_BYTES = 8 << 20
_STATUS_BYTES = 16 << 20
_SAFE = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty")


async def status(git: Git, worktree: str, base_sha: str = "") -> WorktreeStatus:
    """Say what git says of `worktree` now.

    `changes` is what is not committed. `ahead` and `behind` count commits against `base_sha`, and
    `lines_added` and `lines_removed` are all the lines since it: committed, uncommitted and in new
    files. Without `base_sha` both are measured against HEAD.
    """
    report = await _status_report(git, worktree)
    base = check_revision(base_sha) if base_sha else report.head_sha
    tracked = any(entry.status != "untracked" for entry in report.entries)
    moved = bool(base) and base != report.head_sha
    uncommitted: list[Change] = []
    since_base: list[Change] = []
    if tracked or moved:
        async with borrowed_index(git, worktree, report.head_sha) as variables:
            uncommitted = await _against(git, worktree, report.head_sha, variables) if tracked else []
            since_base = await _against(git, worktree, base, variables) if moved else uncommitted
    ahead, behind = await _ahead_behind(git, worktree, base) if moved else (0, 0)
    new_files = await asyncio.to_thread(
        _counted, worktree, [entry.path for entry in report.entries if entry.status == "untracked"]
    )
    added, removed = totals([*since_base, *new_files])
    return WorktreeStatus(
        head_sha=report.head_sha,
        branch=report.branch,
        ahead=ahead,
        behind=behind,
        changes=_changes(report, [*uncommitted, *new_files]),
        lines_added=added,
        lines_removed=removed,
    )


async def since(git: Git, worktree: str, base_sha: str = "") -> Changes:
    """Say which files of `worktree` differ from `base_sha` (empty: HEAD) now, whoever changed them.

    Committed, uncommitted and new files, each once; ignored ones are not.
    """
    report = await _status_report(git, worktree)
    base = check_revision(base_sha) if base_sha else report.head_sha
    new = [entry.path for entry in report.entries if entry.status == "untracked"]
    async with borrowed_index(git, worktree, report.head_sha) as variables:
        known = await _against(git, worktree, base, variables)
    counted = await asyncio.to_thread(_counted, worktree, new)
    added, removed = totals([*known, *counted])
    # A file that the base knows and the index does not is in both lists: its texts differ as a whole.
    again = {change.path for change in known}
    files = [*known, *(change for change in counted if change.path not in again)]
    return Changes(tuple(file_change(change) for change in files), added, removed)


async def _status_report(git: Git, worktree: str) -> StatusReport:
    """List untracked files one by one, or by folder where there are far too many."""
    flags = ("status", "--porcelain=v2", "-z", "--branch", "--no-ahead-behind", "--ignore-submodules=dirty")
    try:
        said = await git.run(*flags, "--untracked-files=all", cwd=worktree, max_bytes=_STATUS_BYTES)
    except GitFailed as error:
        if "printed more than" not in error.detail:
            raise
        said = await git.run(*flags, "--untracked-files=normal", cwd=worktree)
    return parse_status(said.stdout)


def _changes(report: StatusReport, counted: list[Change]) -> tuple[FileChange, ...]:
    lines = {change.path: (change.lines_added, change.lines_removed) for change in counted}
    found = []
    for entry in report.entries:
        added, removed = lines.get(entry.path, (None, None))
        old_path = None if entry.old_path is None else printable(entry.old_path)
        found.append(
            FileChange(
                path=printable(entry.path), status=entry.status, old_path=old_path,
                lines_added=added, lines_removed=removed,
            )
        )  # fmt: skip
    return tuple(found)


async def _against(git: Git, worktree: str, sha: str, variables: dict[str, str]) -> list[Change]:
    """Compare a commit (empty: nothing) with the tracked files on disk, by a borrowed index.

    `git diff` notes in the index what it found unchanged. It takes `index.lock` for that, though told to
    take no optional locks: with the worktree's own index an agent's `git add` fails now and then.
    """
    against = sha or await empty_tree(git, worktree)
    flags = ("--raw", "-z", "--no-abbrev", "--find-renames", *_SAFE, "--end-of-options", against, "--")
    try:
        said = await git.run("diff", "--numstat", *flags, cwd=worktree, environment=variables)
    except GitFailed as error:
        if "unsupported file type" not in error.detail:
            raise
        # A pipe or a device where a file was: git counts no lines then, and can only name the files.
        said = await git.run("diff", *flags, cwd=worktree, environment=variables)
    return parse_changes(said.stdout)


async def _ahead_behind(git: Git, worktree: str, base: str) -> tuple[int, int]:
    said = await git.run(
        "rev-list", "--left-right", "--count", "--end-of-options", f"{base}...HEAD", "--",
        cwd=worktree, ok=(0, 128),
    )  # fmt: skip
    behind, _, ahead = said.line.partition("\t") if said.code == 0 else ("0", "", "0")
    return int(ahead), int(behind)


def _counted(worktree: str, paths: Iterable[str]) -> list[Change]:
    """Count the lines of untracked files, as long as that is cheap: this is asked again and again."""
    found = []
    left = _COUNTED_BYTES
    for number, path in enumerate(paths):
        lines: int | None = None
        if number < _FILES_COUNTED and left > 0:
            blob = _read_file(Path(worktree) / path)
            if blob is not None:
                left -= len(blob.data)
                if blob.size <= TEXT_BYTES and b"\0" not in blob.data:
                    lines = len(blob.data.splitlines())
        found.append(Change(path, "untracked", lines_added=lines, lines_removed=None if lines is None else 0))
    return found


def _read_file(path: Path) -> Blob | None:
    """Read a file of a worktree as git would: a link is its target's name, a device is nothing."""
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            target = os.fsencode(path.readlink())
            return Blob(target, len(target))
        if not stat.S_ISREG(found.st_mode):
            return None
        # O_NOFOLLOW and O_NONBLOCK: it may have become a link or a pipe since.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return Blob(file.read(TEXT_BYTES + 1), found.st_size)


async def diff(git: Git, worktree: str, against: str, *, base_sha: str = "") -> list[FileDiff]:
    """Compare the worktree's files, new ones too, with a commit: `head`, `base`, or a checkpoint's sha.

    Each text is at most 256 KB, all together 16 MB; what is more is marked `truncated`.
    """
    head_sha = await head_of(git, worktree)
    if against == "head":
        sha = head_sha
    elif against == "base":
        sha = base_sha or head_sha
    else:
        sha = await _commit(git, worktree, against)
    changes = await _with_new_files(git, worktree, sha, head_sha)
    old = await _blobs(git, worktree, changes)
    return await asyncio.to_thread(_with_texts, changes, old, Path(worktree))


async def _with_new_files(git: Git, worktree: str, sha: str, head_sha: str) -> list[Change]:
    """Compare with new files as if git knew them: a checkpoint knows them, the index does not."""
    async with borrowed_index(git, worktree, head_sha) as variables:
        said = await git.run("ls-files", "-z", "--others", "--exclude-standard", cwd=worktree)
        new = parse_names(said.stdout)
        files = [path for path in new if not path.endswith("/")]
        nested = [
            path.removesuffix("/") for path in new if path.endswith("/")
        ]  # repositories: as their commit
        await _add(git, worktree, variables, files, "--intent-to-add")
        await _add(git, worktree, variables, nested)
        changes = await _against(git, worktree, sha, variables)
    untracked = {*files, *nested}
    return [
        replace(change, status="untracked")
        if change.status == "added" and change.path in untracked
        else change
        for change in changes
    ]


async def _add(git: Git, worktree: str, variables: dict[str, str], paths: list[str], *flags: str) -> None:
    if paths:
        await git.run(
            "add", *flags, "--ignore-errors", "--pathspec-from-file=-", "--pathspec-file-nul",
            cwd=worktree, environment=variables | {"GIT_LITERAL_PATHSPECS": "1"}, ok=(0, 1, 128),
            stdin=b"".join(os.fsencode(path) + b"\0" for path in paths),
        )  # fmt: skip


async def compare(git: Git, repo: str, from_sha: str, to_sha: str) -> list[FileDiff]:
    """Compare two commits (checkpoints, say) in the same form; needs no worktree."""
    changes = await changed_files(git, repo, from_sha, to_sha)
    blobs = await _blobs(git, repo, changes, both=True)
    return await asyncio.to_thread(_with_texts, changes, blobs, None)


async def _commit(git: Git, worktree: str, name: str) -> str:
    found = await git.run(
        "rev-parse", "--verify", "--quiet", "--end-of-options", f"{check_revision(name)}^{{commit}}",
        cwd=worktree, ok=(0, 1, 128),
    )  # fmt: skip
    if found.code or not found.line:
        raise NotFound(f"There is no commit {name} here.", hint="Choose head, base or a checkpoint.")
    if not all(letter in "0123456789abcdef" for letter in found.line):
        raise Unprocessable(f"{name} does not name one commit.")
    return found.line


async def _blobs(git: Git, repo: str, changes: list[Change], *, both: bool = False) -> dict[str, Blob]:
    wanted = []
    for change in changes[:_FILES_WITH_TEXT]:
        sides = [(change.old_sha, change.old_mode)] + ([(change.new_sha, change.new_mode)] if both else [])
        wanted += [sha for sha, mode in sides if sha.strip("0") and mode != "160000"]
    return await read_blobs(git, repo, wanted, TEXT_BYTES + 1)


@dataclass
class _Budget:
    left: int


def _with_texts(changes: list[Change], blobs: dict[str, Blob], worktree: Path | None) -> list[FileDiff]:
    budget = _Budget(_ALL_TEXT_BYTES)
    return [
        _file_diff(change, blobs, worktree if number < _FILES_WITH_TEXT else None, budget)
        for number, change in enumerate(changes)
    ]


def _file_diff(change: Change, blobs: dict[str, Blob], worktree: Path | None, budget: _Budget) -> FileDiff:
    old = blobs.get(change.old_sha)
    new = None
    if change.status != "deleted" and change.new_mode != "160000":
        new = blobs.get(change.new_sha) if worktree is None else _read_file(worktree / change.path)
    binary = any(side is not None and b"\0" in side.data[:8000] for side in (old, new))
    old_text, old_cut = _text(old, binary, budget)
    new_text, new_cut = _text(new, binary, budget)
    unread = (old is None and _has_side(change.old_sha, change.old_mode)) or (
        new is None and change.status != "deleted" and change.new_mode != "160000"
    )
    return FileDiff(
        **file_change(change).model_dump(),
        old_text=old_text,
        new_text=new_text,
        binary=binary,
        truncated=old_cut or new_cut or unread,
    )


def _has_side(sha: str, mode: str) -> bool:
    return bool(sha.strip("0")) and mode != "160000"


def _text(blob: Blob | None, binary: bool, budget: _Budget) -> tuple[str | None, bool]:
    if blob is None or binary:
        return None, False
    if budget.left <= 0:
        return None, True
    data = blob.data[:TEXT_BYTES]
    budget.left -= len(data)
    return data.decode("utf-8", "replace"), blob.size > TEXT_BYTES
