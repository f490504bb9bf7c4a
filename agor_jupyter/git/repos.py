"""What a folder is to git, and the branches of a repository. Writes only `.git/info/exclude`."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass
from pathlib import Path

from agor_jupyter.domain.errors import GitFailed, NotARepository
from agor_jupyter.git import guard, plain
from agor_jupyter.git.disk import writing
from agor_jupyter.git.layout import locate
from agor_jupyter.git.names import check_ref_part
from agor_jupyter.git.parse import parse_records
from agor_jupyter.git.run import Git

_FOLDERS_LOOKED_AT = 500
_FETCH_TIMEOUT_SECONDS = 600.0


@dataclass(frozen=True)
class RepoFacts:
    """`top` is resolved. `head_sha` is empty before the first commit."""

    top: str
    default_branch: str
    head_sha: str
    common: str


@dataclass(frozen=True)
class Branch:
    """`checked_out` is the worktree that has it, or None."""

    name: str
    sha: str
    checked_out: str | None


@dataclass(frozen=True)
class Suggestion:
    path: str
    name: str


async def inspect(git: Git, path: str) -> RepoFacts:
    """Find the repository that `path` lies in; a linked worktree gives its main one.

    Raises `NotARepository`, with what to do, for a relative path, a missing folder, a file, a bare
    repository, the inside of a `.git` folder, a submodule, and what is no repository at all.
    """
    folder = _checked(path)
    asked = ("--is-bare-repository", "--is-inside-git-dir", "--show-superproject-working-tree")
    try:
        said = await git.look("rev-parse", *asked, cwd=folder)
    except GitFailed as error:
        if "not a git repository" in error.detail:
            raise _no(
                path, "is not in a git repository", "Run `git init` there, or choose another."
            ) from error
        raise _no(path, f"cannot be read by git: {error.detail}", error.hint) from error
    bare, inside, *outer = said.text.splitlines()
    if inside == "true":
        raise _no(path, "is inside a .git folder or a bare repository", "Choose the folder with the files.")
    if bare == "true":
        raise _no(path, "is a bare repository", "Choose a clone that has files.")
    if outer and outer[0]:
        raise _no(path, f"is a submodule of {outer[0]}", "Add the repository that contains it.")
    top = (await git.look("rev-parse", "--show-toplevel", cwd=folder)).text.removesuffix("\n")
    if Path(top) not in (folder, *folder.parents):
        raise _no(path, f"says that its files are in {top}", "Choose that folder, or unset core.worktree.")
    folders = locate(top)
    if folders.linked:
        top = str(folders.common.parent) if folders.common.name == ".git" else top
        folders = locate(top)
    default, head = await _default_branch(git, top)
    return RepoFacts(top, default, head, str(folders.common))


def _checked(path: str) -> Path:
    if "\0" in path or not Path(path).is_absolute():
        raise _no(path, "is not an absolute path", "Give the whole path of the repository's folder.")
    folder = Path(os.path.realpath(path))
    if not folder.exists():
        raise _no(path, "does not exist", "Check the spelling; clone it first if it is elsewhere.")
    if not folder.is_dir():
        raise _no(path, "is a file", "Choose the folder that holds it.")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise _no(path, "may not be read by this server", "Choose a folder of your own.")
    return folder


def _no(path: str, why: str, hint: str) -> NotARepository:
    shown = path[:300].encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    return NotARepository(f"{shown} {why}.", hint=hint, path=shown)


async def _default_branch(git: Git, top: str) -> tuple[str, str]:
    """Prefer what origin calls its HEAD, then the branch that is checked out, then main or master."""
    form = "%(refname)%00%(symref)%00%(objectname)%00%(HEAD)%00"
    listed = await git.run(
        "for-each-ref", f"--format={form}", "refs/heads", "refs/remotes/origin/HEAD", cwd=top
    )
    rows = parse_records(listed.stdout, 4)
    heads = {
        name.removeprefix("refs/heads/"): sha for name, _, sha, _ in rows if name.startswith("refs/heads/")
    }
    current = next((name.removeprefix("refs/heads/") for name, _, _, here in rows if here == "*"), None)
    head = await git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", cwd=top, ok=(0, 1, 128))
    head_sha = head.line if head.code == 0 else ""
    remote = next((target for name, target, _, _ in rows if name == "refs/remotes/origin/HEAD"), "")
    if remote:
        short = remote.removeprefix("refs/remotes/origin/")
        return (short if short in heads else f"origin/{short}"), head_sha
    if current is None and not heads:
        unborn = await git.run("symbolic-ref", "--quiet", "--short", "HEAD", cwd=top, ok=(0, 1))
        return unborn.line or "main", head_sha
    return current or next(
        (n for n in ("main", "master") if n in heads), min(heads, default="HEAD")
    ), head_sha


async def branches(git: Git, repo: str) -> list[Branch]:
    """List the local branches, by name, each with the worktree that has it checked out."""
    form = "%(refname)%00%(objectname)%00%(worktreepath)%00"
    listed = await git.run("for-each-ref", f"--format={form}", "refs/heads", cwd=repo)
    return [
        Branch(name.removeprefix("refs/heads/"), sha, where or None)
        for name, sha, where in parse_records(listed.stdout, 3)
    ]


async def suggest(root_dir: str) -> list[Suggestion]:
    """Offer `root_dir` and the folders directly in it that look like repositories.

    Looks at no more than 500 folders and runs nothing in them.
    """
    return await asyncio.to_thread(_suggest, Path(root_dir))


def _suggest(root: Path) -> list[Suggestion]:
    found = [Suggestion(str(root), root.resolve().name)] if (root / ".git").exists() else []
    try:
        with os.scandir(root) as entries:
            names = [entry.name for _, entry in zip(range(_FOLDERS_LOOKED_AT), entries, strict=False)]
    except OSError:
        return found
    for name in sorted(names):
        if (root / name / ".git" / "HEAD").is_file() and _is_text(name):
            found.append(Suggestion(str(root / name), name))
    return found


def _is_text(name: str) -> bool:
    return name == name.encode("utf-8", "replace").decode()


async def exclude(git: Git, repo: str, folder: str) -> bool:
    """Add `folder` to the repository's `.git/info/exclude`, once; say whether it was added.

    Does nothing when the folder lies outside the repository's files.
    """
    line = _exclude_line(Path(repo), Path(folder))
    if line is None:
        return False
    common = locate(repo).common
    async with git.locks.hold(common):
        return await asyncio.to_thread(_add_line, common / "info" / "exclude", line)


def _exclude_line(repo: Path, folder: Path) -> str | None:
    top, inside = repo.resolve(), folder.resolve()
    if top not in inside.parents:
        return None
    escaped = re.sub(r"([\\*?\[\] #!])", r"\\\1", inside.relative_to(top).as_posix())
    return f"/{escaped}/"


def _add_line(file: Path, line: str) -> bool:
    wanted = os.fsencode(line)
    with writing(file):
        text = plain.read(file) if file.exists() else b""
    if wanted in text.splitlines():
        return False
    with writing(file):
        file.parent.mkdir(exist_ok=True)
    with writing(file), file.open("ab") as opened:
        opened.write((b"" if not text or text.endswith(b"\n") else b"\n") + wanted + b"\n")
    return True


async def fetch(git: Git, repo: str, remote: str = "origin") -> None:
    """Fetch the remote's branches; refuse when the repository would have git run programs of its own."""
    check_ref_part(remote)
    folders = locate(repo)
    unsafe = guard.unsafe_to_fetch(await git.settings(folders, repo))
    if unsafe:
        raise GitFailed(
            f"This repository's own configuration runs a program at fetch: {', '.join(unsafe)}.",
            hint="Remove the setting, or move it to your own ~/.gitconfig if you trust it.",
        )
    async with git.locks.hold(folders.common, timeout_seconds=_FETCH_TIMEOUT_SECONDS):
        await git.run(
            "fetch", "--quiet", "--no-write-fetch-head", "--end-of-options", remote,
            cwd=repo, timeout_seconds=_FETCH_TIMEOUT_SECONDS,
        )  # fmt: skip
