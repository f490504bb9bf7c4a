"""Make, list, move and repair linked worktrees. Removing is `removal`, crashes are `recovery`.

The repository's lock covers git's metadata only; files are checked out outside it, by parallel
workers, so that fifty creations wait for each other's 10 ms and not for each other's files.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import time
from pathlib import Path
from typing import NamedTuple

from agor_jupyter.domain.errors import AgorError, BranchInUse, Conflict, GitFailed, InvalidName, Unprocessable
from agor_jupyter.git import plain
from agor_jupyter.git.disk import writing
from agor_jupyter.git.journal import Entry, Journal
from agor_jupyter.git.layout import locate, stands, worktree_place
from agor_jupyter.git.names import check_branch, check_revision
from agor_jupyter.git.parse import Linked, parse_worktrees
from agor_jupyter.git.run import Git

_CHECKOUTS_AT_ONCE = 4
_CHECKOUT_TIMEOUT_SECONDS = 900.0
_MOST_WORKERS = 8
_TRIES = 6
_HALF_MADE_SECONDS = 60.0
_RACE = re.compile(
    r"could not lock|unable to create .*\.lock|cannot lock ref|failed to read .*commondir"
    r"|could not (?:create|open) .*worktrees|unable to (?:write|resolve) .*worktrees",
    re.IGNORECASE | re.DOTALL,
)
"""What git says when another git, which knows nothing of our lock, works on the same metadata."""

_REFUSAL = re.compile(r"already exists|already registered|already checked out|already used by worktree")
"""What git says before it has made anything, but perhaps the branch."""


class Created(NamedTuple):
    """`base_sha` is where the worktree's own work begins: what its diff is measured against."""

    head_sha: str
    base_sha: str


class _Start(NamedTuple):
    branch_sha: str  # empty: there is no such branch
    base_sha: str


class Worktrees:
    """The worktrees below one root folder, for one event loop."""

    def __init__(self, git: Git, root: str, journal: Journal) -> None:
        self.git = git
        self.root = root
        self.journal = journal
        self.making: set[str] = set()
        self._checkouts = asyncio.Semaphore(_CHECKOUTS_AT_ONCE)

    async def create(
        self, repo: str, folder: str, branch: str, base: str = "", *, create_branch: bool = True
    ) -> Created:
        """Make a worktree of `repo` at `folder` on `branch`, its files checked out.

        A new branch starts at `base` (any name of a commit; empty: HEAD). With `create_branch`
        False the branch must exist, and `base` says what it is measured against.
        All or nothing: on failure, or when cancelled, no folder, branch or metadata is left.
        Raises `InvalidName`, `Unprocessable` (no such base or branch, no commit yet), `BranchInUse`
        (`worktree` says where), `Conflict` (the folder or branch exists), and what git refuses.
        """
        place = self._free_place(folder)
        check_branch(branch)
        check_revision(base or "HEAD")
        if str(place) in self.making:
            raise _taken(place)
        self.making.add(str(place))
        try:
            return await self._create(repo, place, branch, base or "HEAD", create_branch)
        finally:
            self.making.discard(str(place))

    async def _create(self, repo: str, place: Path, branch: str, base: str, create_branch: bool) -> Created:
        common = locate(repo).common
        async with self.git.locks.hold(common) as lock:
            if stands(place):  # again: whoever held the lock before may have made it
                raise _taken(place)
            start = await self._start(repo, branch, base, create_branch)
            entry = Entry("making", repo, str(common), str(place), branch, create_branch, start.base_sha)
            self.journal.write(entry)
            try:
                await self._add(entry, lock)
            except _Refused as refused:
                self.journal.drop(entry.folder)  # what stands there is not ours
                raise refused.error from refused.__cause__
            except BaseException:
                await asyncio.shield(self._roll_back(entry))
                raise
        try:
            await self.check_out(str(place))
            made = Created(start.branch_sha or start.base_sha, await self._fork_point(repo, start))
        except BaseException:
            await asyncio.shield(self._roll_back_locked(entry))
            raise
        self.journal.advance(entry, "made")
        return made

    def _free_place(self, folder: str) -> Path:
        with writing(Path(self.root)):
            Path(self.root).mkdir(parents=True, exist_ok=True)
        place = worktree_place(self.root, folder)
        if stands(place):
            raise _taken(place)
        return place

    async def _start(self, repo: str, branch: str, base: str, create_branch: bool) -> _Start:
        """Find where to begin; names go to git on stdin, where none can be an option.

        No `check-ref-format` of its own, a process saved: `names.check_branch` holds git's rules,
        a present branch has passed them, and git checks again before it makes a new one (`_add`).
        """
        asked = f"refs/heads/{branch}\n{base}^{{commit}}\n".encode()
        found = await self.git.run("cat-file", "--batch-check", cwd=repo, stdin=asked)
        branch_sha, base_sha = (_found(line) for line in found.text.splitlines())
        if not base_sha:
            raise _no_base(base)
        if create_branch and branch_sha:
            await self._refuse_in_use(repo, branch)
            raise Conflict(
                f"The branch {branch} exists already.",
                hint="Use it as it is, or choose another name.",
                branch=branch,
            )
        if not create_branch and not branch_sha:
            raise Unprocessable(
                f"There is no local branch {branch}.", hint="Create it with the worktree.", branch=branch
            )
        return _Start(branch_sha, base_sha)

    async def _add(self, entry: Entry, lock: int) -> None:
        what: tuple[str, ...]
        if entry.new_branch:
            what = ("--no-track", "-b", entry.branch, "--end-of-options", entry.folder, entry.base_sha)
        else:
            what = ("--end-of-options", entry.folder, entry.branch)
        for attempt in range(_TRIES):
            try:
                await self.git.run(
                    "worktree", "add", "--quiet", "--no-checkout", *what, cwd=entry.repo, keep_lock=lock
                )
                return
            except GitFailed as error:
                if "not a valid branch name" in error.detail:
                    raise _Refused(InvalidName(error.detail, hint="Choose another branch name.")) from error
                if _REFUSAL.search(error.detail):
                    if "a branch named" not in error.detail:  # git makes the branch, then looks at the folder
                        await self._drop_branch(entry)
                    raise _Refused(await self._refusal(entry)) from error
                if attempt == _TRIES - 1 or not _RACE.search(error.detail):
                    raise
                await self.clear_away(entry)
                await asyncio.sleep(0.02 * 2**attempt)

    async def _refusal(self, entry: Entry) -> AgorError:
        for linked in await self.list(entry.repo):
            if linked.path == entry.folder:
                return Conflict(
                    f"git knows a worktree at {entry.folder} whose folder is gone.",
                    hint="Remove that worktree's record first, or choose another name.",
                    path=entry.folder,
                )
            if linked.branch == entry.branch:
                return _in_use(entry.branch, linked.path)
        return _taken(Path(entry.folder))

    async def _refuse_in_use(self, repo: str, branch: str) -> None:
        for linked in await self.list(repo):
            if linked.branch == branch:
                raise _in_use(branch, linked.path)

    async def check_out(self, folder: str) -> None:
        """Write the files of a new worktree. A hundred files and more are written in parallel."""
        workers = min(os.cpu_count() or 1, _MOST_WORKERS)
        async with self._checkouts:
            await self.git.run(
                "-c", f"checkout.workers={workers}",
                "-c", "checkout.thresholdForParallelism=100",
                "reset", "--hard", "--quiet", "--no-recurse-submodules",
                cwd=folder, timeout_seconds=_CHECKOUT_TIMEOUT_SECONDS,
            )  # fmt: skip

    async def _fork_point(self, repo: str, start: _Start) -> str:
        """A new branch begins at its base; a present one where it left its base."""
        if not start.branch_sha:
            return start.base_sha
        found = await self.git.run("merge-base", start.branch_sha, start.base_sha, cwd=repo, ok=(0, 1))
        return found.line or start.base_sha

    async def list(self, repo: str) -> list[Linked]:
        """List the repository's worktrees as git knows them, the main one first."""
        flags = ("--porcelain", "-z") if await self.git.version() >= (2, 36) else ("--porcelain",)
        return parse_worktrees((await self.git.run("worktree", "list", *flags, cwd=repo)).stdout)

    async def find(self, repo: str, folder: str) -> Linked | None:
        """Find the linked (never the main) worktree that git knows at `folder`, present or not."""
        return next((linked for linked in (await self.list(repo))[1:] if linked.path == folder), None)

    async def move(self, repo: str, folder: str, target: str) -> str:
        """Move a worktree to another free place below the root; give its new path."""
        place = self._free_place(target)
        place.parent.mkdir(parents=True, exist_ok=True)
        source = worktree_place(self.root, folder)
        async with self.git.locks.hold(locate(repo).common) as lock:
            await self.git.run(
                "worktree", "move", "--end-of-options", str(source), str(place), cwd=repo, keep_lock=lock
            )
        return str(place)

    async def repair(self, repo: str, folder: str) -> None:
        """Tell git that a worktree was moved by hand to `folder`, and make both sides point right."""
        place = worktree_place(self.root, folder)
        async with self.git.locks.hold(locate(repo).common) as lock:
            await self.git.run("worktree", "repair", "--end-of-options", str(place), cwd=repo, keep_lock=lock)
        locate(place)

    async def _roll_back_locked(self, entry: Entry) -> None:
        async with self.git.locks.hold(Path(entry.common)):
            await self._roll_back(entry)

    async def _roll_back(self, entry: Entry) -> None:
        await self.clear_away(entry)
        self.journal.drop(entry.folder)

    async def clear_away(self, entry: Entry) -> None:
        """Undo a creation that nobody was given: folder, metadata, and the branch if it was new."""
        await asyncio.to_thread(_remove_folder, Path(entry.folder), Path(self.root))
        await self.forget(entry.repo, entry.folder)
        await self._drop_branch(entry)

    async def _drop_branch(self, entry: Entry) -> None:
        """Delete the branch if the creation made it, and it is still where it was made."""
        if entry.new_branch:
            await self.git.run(
                "update-ref", "-d", "--end-of-options", f"refs/heads/{entry.branch}", entry.base_sha,
                cwd=entry.repo, ok=(0, 1, 128),
            )  # fmt: skip

    async def forget(self, repo: str, folder: str) -> None:
        """Drop git's metadata of the one worktree at `folder`, whose files are gone.

        Never `git worktree prune`: that also forgets worktrees on a disk that is not mounted.
        """
        common = locate(repo).common
        for metadata in await asyncio.to_thread(metadata_of, common, folder):
            await asyncio.to_thread(shutil.rmtree, metadata, True)
        with contextlib.suppress(OSError):
            (common / "worktrees").rmdir()  # git does the same after the last one


class _Refused(Exception):  # not an error of the house: it carries one
    """git refused before it made a folder."""

    def __init__(self, error: AgorError) -> None:
        super().__init__(error.detail)
        self.error = error


def _taken(place: Path) -> Conflict:
    return Conflict(f"The folder {place} exists already.", hint="Choose another name.", path=str(place))


def _in_use(branch: str, where: str) -> BranchInUse:
    return BranchInUse(
        f"The branch {branch} is checked out in {where}.",
        hint="Choose another branch, or make a new one from it.",
        branch=branch,
        worktree=where,
    )


def _found(line: str) -> str:
    words = line.split(" ")
    return words[0] if words[-1] != "missing" and len(words) == 3 else ""


def _no_base(base: str) -> AgorError:
    if base == "HEAD":
        return Unprocessable(
            "The repository has no commit yet.", hint="Commit something first, then make worktrees."
        )
    return Unprocessable(
        f"{base} names no commit here.", hint="Choose a branch, a tag or a commit; fetch it first.", base=base
    )


def _remove_folder(folder: Path, root: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError, ValueError):
        for parent in folder.relative_to(root.resolve()).parents[:-1]:
            (root / parent).rmdir()  # only when empty


def metadata_of(common: Path, folder: str) -> list[Path]:
    """Find git's metadata folders of the worktree at `folder`, half-made ones included."""
    wanted = os.path.join(folder, ".git")  # noqa: PTH118 # compared as text with git's own spelling
    found = []
    for metadata in common.glob("worktrees/*"):
        try:
            pointer = os.fsdecode(plain.read(metadata / "gitdir")).rstrip("\n")
        except OSError:
            if _left_half_made(metadata, Path(folder).name):
                found.append(metadata)
            continue
        if pointer == wanted:
            found.append(metadata)
    return found


def _left_half_made(metadata: Path, name: str) -> bool:
    """Say whether git died before it wrote the pointer; it holds the name with a lock of its own.

    Old ones only: another git may be at this very point.
    """
    if not re.fullmatch(re.escape(name) + r"\d*", metadata.name) or (metadata / "HEAD").exists():
        return False
    try:
        return time.time() - (metadata / "locked").stat().st_mtime > _HALF_MADE_SECONDS
    except OSError:
        return False
