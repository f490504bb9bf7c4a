"""Where a checkout's git folders are, and whether a path stays where it must.

Reads `.git` and its pointers itself instead of asking git, for two reasons: git looks upwards when
`.git` is missing and would then work in somebody else's checkout, and it follows a crafted
`commondir` to another repository. Not for anything that git's own commands answer well.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from agor_jupyter.domain.errors import InvalidName, NotARepository, NotFound
from agor_jupyter.domain.repo import check_worktree_name
from agor_jupyter.git import plain

_POINTER_BYTES = 8192


@dataclass(frozen=True)
class GitFolders:
    """`own` is this checkout's folder of git, `common` the one all worktrees share. Both resolved."""

    own: Path
    common: Path

    @property
    def linked(self) -> bool:
        return self.own != self.common


def locate(folder: str | Path) -> GitFolders:
    """Find the git folders of the checkout whose top is `folder`; never look upwards.

    Raises `NotFound` when the folder is gone and `NotARepository` when its `.git` is missing, or
    points to a repository that does not point back.
    """
    top = Path(folder)
    try:
        return _found(top, top / ".git")
    except (OSError, ValueError) as error:
        # A name that is too long or holds a NUL, a folder that is locked: an agent can write all that.
        why = error.strerror if isinstance(error, OSError) else "it holds a NUL character"
        raise _refused(top, f"its git folder cannot be looked at ({why})") from error


def _found(top: Path, mark: Path) -> GitFolders:
    if not top.is_dir():
        raise NotFound(
            f"The folder {top} is gone.", hint="Archive its record, or put the folder back.", path=str(top)
        )
    if mark.is_dir():
        own = _real(mark)
        if (own / "commondir").exists():
            raise _refused(top, "its .git folder borrows another repository (a `commondir` file)")
        return GitFolders(own, own)
    if not mark.is_file():
        raise NotARepository(
            f"{top} has no .git of its own.", hint="Choose the top folder of a git repository.", path=str(top)
        )
    return _follow(top, mark)


def _follow(top: Path, mark: Path) -> GitFolders:
    pointer = _read_pointer(mark)
    if not pointer.startswith("gitdir:"):
        raise _refused(top, "its .git file is not one of git's")
    own = _real(top / pointer.removeprefix("gitdir:").strip())
    if not own.is_dir():
        raise _refused(top, f"its .git file points to {own}, which is gone")
    if not (own / "commondir").exists():
        return GitFolders(own, own)  # `git init --separate-git-dir`, or a submodule
    common = _real(own / _read_pointer(own / "commondir").strip())
    if own.parent != common / "worktrees":
        raise _refused(top, f"its .git file borrows another repository ({common})")
    back = (own / _read_pointer(own / "gitdir").strip()).absolute()
    if _real(back.parent) != _real(top) or back.name != ".git":
        raise NotARepository(
            f"The worktree {top} is known to git as {back.parent}.",
            hint="The folder was moved or copied by hand: repair it, or move it back.",
            path=str(top),
            known_as=str(back.parent),
        )
    return GitFolders(own, common)


def _real(path: Path) -> Path:
    """Resolve a path. Where links lead in a circle `Path.resolve` raises; this leaves the name as it is."""
    return Path(os.path.realpath(path))


def _read_pointer(path: Path) -> str:
    try:
        return os.fsdecode(plain.read(path, _POINTER_BYTES)).removesuffix("\n")
    except OSError as error:
        raise _refused(path.parent, f"{path.name} cannot be read ({error.strerror})") from error


def _refused(top: Path, why: str) -> NotARepository:
    return NotARepository(
        f"{top} is not used as a repository: {why}.",
        hint="Choose the top folder of an ordinary clone or worktree.",
        path=str(top),
    )


def above(folder: str | Path) -> str:
    """Give the resolved parent of `folder`: where git must not look for a repository."""
    return str(_real(Path(folder)).parent)


def stands(path: str | Path) -> bool:
    """Say whether anything is at `path`, a dangling link too."""
    return os.path.lexists(path)


def worktree_place(root: str | Path, folder: str | Path) -> Path:
    """Give the resolved place of a new or present worktree, strictly inside `root`.

    Raises `InvalidName` when `folder` is relative, is `root` itself, has a component that may not
    be a worktree's name, passes through a symlink, or ends outside. Compared by real path and
    component, never by prefix.
    """
    top = Path(os.path.realpath(root))
    text = os.fspath(folder)
    if "\0" in text or not Path(text).is_absolute():
        raise _outside(text)
    lexical = Path(root).absolute()
    given = Path(text)
    try:
        parts = (
            given.relative_to(lexical) if given.is_relative_to(lexical) else given.relative_to(top)
        ).parts
    except ValueError:
        raise _outside(text) from None
    if not parts:
        raise _outside(text)
    place = top
    for part in parts:
        place = place / check_worktree_name(part)
        if place.is_symlink():
            raise _outside(text)
    if os.path.commonpath([top, os.path.realpath(place)]) != str(top) or os.path.realpath(place) != str(
        place
    ):
        raise _outside(text)
    return place


def _outside(text: str) -> InvalidName:
    return InvalidName(
        f"{text[:120]!r} is not a place for a worktree.",
        hint="A worktree stands in the worktrees folder, under its own name, and not behind a symlink.",
        path=text[:120].encode("utf-8", "backslashreplace").decode(),
    )
