"""What a repository's own configuration could make git run, and how that is switched off.

git runs programs that `.git/config` names: filters at checkout, add and status; transports at
fetch. Hooks, fsmonitor, external diffs and textconv are off by fixed settings and flags
(`environment`, `diffs`); filters and transport helpers have names that the repository chooses, so
they are looked up here and overridden one by one. The person's own global and system
configuration is trusted and stays in force (git-lfs installed for the user works; a filter that
only the repository configures does not run, also where the repository is trusted: that is of agents).

Not a sandbox: whoever may change `.git/config` between this look and the command wins the race.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from agor_jupyter.git import plain
from agor_jupyter.git.layout import GitFolders

_WORDS = re.compile(
    rb"filter|include|sshcommand|gitproxy|uploadpack|helper|askpass|vcs|worktree|alternaterefs", re.IGNORECASE
)
"""A section or variable name cannot be escaped in a config file: without these words there is nothing."""

_LARGEST_CONFIG = 1 << 20

_OVERRIDES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"filter\..+\.(?:clean|smudge|process)", re.DOTALL), ""),
    (re.compile(r"filter\..+\.required", re.DOTALL), "false"),
    (re.compile(r"core\.sshcommand"), "ssh"),
    (re.compile(r"core\.alternaterefscommand"), ""),
    (re.compile(r"credential(?:\..+)?\.helper", re.DOTALL), ""),
)
_UNSAFE_TO_FETCH = re.compile(r"core\.gitproxy|remote\..+\.(?:vcs|uploadpack|receivepack)", re.DOTALL)
"""Of these git takes the first value, not the last, or knows none that is harmless."""
_PARTIAL_CLONE = re.compile(r"extensions\.partialclone|remote\..+\.promisor", re.DOTALL)

_OWN = ("local", "worktree")

Stamp = tuple[tuple[int, int, int, int] | None, ...]


class Setting(NamedTuple):
    scope: str
    name: str
    value: str


def config_files(folders: GitFolders) -> tuple[Path, ...]:
    return (folders.common / "config", folders.own / "config.worktree", folders.common / "config.worktree")


def stamp(files: Iterable[Path]) -> Stamp:
    """Identify the present state of the files, cheaply."""
    return tuple(_stamp(file) for file in files)


def _stamp(file: Path) -> tuple[int, int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    # The change time too: a program sets the other one as it likes.
    return (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)


def needs_a_look(files: Iterable[Path]) -> bool:
    """Say whether a config file may hold what `overrides` looks for; errs on the safe side."""
    return any(_may_hold(file) for file in files)


def _may_hold(file: Path) -> bool:
    try:
        text = plain.read(file, _LARGEST_CONFIG + 1)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return len(text) > _LARGEST_CONFIG or _WORDS.search(text) is not None


def includes_others(files: Iterable[Path]) -> bool:
    """Say whether the files may pull in others, whose changes `stamp` does not see."""
    return any(_includes(file) for file in files)


def _includes(file: Path) -> bool:
    try:
        return b"include" in plain.read(file).lower()
    except FileNotFoundError:
        return False
    except OSError:
        return True


def read_settings(listing: str) -> list[Setting]:
    """Read what `git config --list --show-scope -z` printed."""
    parts = listing.split("\0")
    settings = []
    for scope, entry in zip(parts[::2], parts[1::2], strict=False):
        name, _, value = entry.partition("\n")
        settings.append(Setting(scope, name, value))
    return settings


def overrides(settings: Iterable[Setting]) -> tuple[tuple[str, str], ...]:
    """Give the settings that take the teeth out of the repository's own ones.

    What the repository sets to the very value that the person's own configuration has is left.
    """
    found: dict[str, str] = {}
    for setting in _brought(settings):
        for pattern, harmless in _OVERRIDES:
            if pattern.fullmatch(setting.name):
                found[setting.name] = harmless
    return tuple(found.items())


def _brought(settings: Iterable[Setting]) -> list[Setting]:
    everything = list(settings)
    trusted = {(s.name, s.value) for s in everything if s.scope in ("global", "system")}
    return [s for s in everything if s.scope in _OWN and (s.name, s.value) not in trusted]


def unsafe_to_fetch(settings: Iterable[Setting]) -> list[str]:
    """Name the settings that run a program at fetch and cannot be overridden."""
    return sorted({s.name for s in _brought(settings) if _UNSAFE_TO_FETCH.fullmatch(s.name)})


def unsafe_to_read(settings: Iterable[Setting]) -> list[str]:
    """Name the settings that would run a program even at reading: a partial clone fetches lazily."""
    everything = list(settings)
    partial = any(_PARTIAL_CLONE.fullmatch(s.name) for s in everything)
    return unsafe_to_fetch(everything) if partial else []


def files_elsewhere(settings: Iterable[Setting], folders: GitFolders, top: str | Path) -> bool:
    """Say whether a checkout's own configuration puts its files elsewhere (`core.worktree`).

    A submodule's names its own folder, which is no harm. What all worktrees share counts for a linked one
    neither with git nor here.
    """
    named = [setting for setting in settings if setting.name == "core.worktree"]
    if any(setting.scope == "worktree" for setting in named):
        return True
    if folders.linked:
        return False
    here = os.path.realpath(top)
    return any(os.path.realpath(folders.own / each.value) != here for each in named if each.scope == "local")


_NAMES_A_PROGRAM: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), kind)
    for pattern, kind in (
        (r"core\.hookspath", "hooks"),
        (r"core\.fsmonitor", "a file watcher"),
        (r"filter\..+\.(?:clean|smudge|process)", "a filter"),
        (r"diff\.external|diff\..+\.(?:textconv|command)|merge\..+\.driver", "a program for differences"),
        (
            r"core\.(?:sshcommand|gitproxy|askpass|alternaterefscommand)|credential(?:\..+)?\.helper",
            "a program for connections",
        ),
        (
            r"remote\..+\.(?:vcs|uploadpack|receivepack)|uploadpack\.packobjectshook",
            "a program for connections",
        ),
        (
            r"core\.(?:editor|pager)|sequence\.editor|gpg(?:\..+)?\.program|interactive\.difffilter",
            "a program",
        ),
        (r"submodule\..+\.update|include\.path|includeif\..+\.path", "more settings or programs"),
        (r"core\.worktree", "another folder for the files"),
    )
)


def programs_named(settings: Iterable[Setting]) -> list[tuple[str, str, str]]:
    """List the repository's own settings that name something to run: name, what it is, value."""
    named: dict[str, tuple[str, str]] = {}
    for setting in _brought(settings):
        if setting.name == "core.fsmonitor" and setting.value in ("false", "0", "no", "off"):
            continue
        if setting.name.startswith("alias.") and setting.value.startswith("!"):
            named[setting.name] = ("a program", setting.value)
        for pattern, what in _NAMES_A_PROGRAM:
            if pattern.fullmatch(setting.name):
                before = named.get(setting.name, ("", ""))[1]
                named[setting.name] = (what, f"{before}\0{setting.value}")
    return sorted((name, what, value) for name, (what, value) in named.items())


_PLAIN_DIFF = """sh -c 'diff -u "$2" "$5"; true' diff"""
_HARMLESS_FOR_OTHERS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), harmless)
    for pattern, harmless in (
        (r"diff\.external|diff\..+\.command", _PLAIN_DIFF),  # an empty one makes git diff fail
        (r"diff\..+\.textconv|core\.pager|interactive\.difffilter", "cat"),
        (r"merge\..+\.driver", "git merge-file %A %O %B"),
        (r"core\.askpass", ""),
        (r"core\.editor|sequence\.editor", "false"),
        (r"gpg(?:\.openpgp)?\.program", "gpg"),
        (r"submodule\..+\.update", "checkout"),
    )
)
_OFF_FOR_OTHERS = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("protocol.ext.allow", "never"),
    ("submodule.recurse", "false"),
)


def off_for_others(settings: Iterable[Setting]) -> tuple[tuple[str, str], ...]:
    """Give the settings under which git of an agent, too, runs none of the repository's own programs.

    Not what a fetch from the repository's own remotes may run (`unsafe_to_fetch`): that cannot be overridden.
    """
    everything = list(settings)
    found = dict(overrides(everything))
    for setting in _brought(everything):
        for pattern, harmless in _HARMLESS_FOR_OTHERS:
            if pattern.fullmatch(setting.name):
                found[setting.name] = harmless
    return (*_OFF_FOR_OTHERS, *found.items())
