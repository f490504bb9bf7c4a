"""Trust: whose instructions and settings an agent may read, and what a person is shown before saying so.

A repository is not trusted until its owner or an admin says so, or a setting of the server does. What was
switched on is remembered by its contents: a checkout that holds something else asks again. That goes for
git's hooks and filters too, where an agent runs git; the house's own git runs nothing of a repository.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from agor_jupyter.agents.base import AgentKind
from agor_jupyter.domain.errors import Conflict, Unprocessable
from agor_jupyter.domain.repo import ProjectFile, Repo, Worktree
from agor_jupyter.domain.user import Actor
from agor_jupyter.git.inventory import Found
from agor_jupyter.service import repos
from agor_jupyter.service.access import admit, admit_owner
from agor_jupyter.service.answers import RepoTrust, TrustItem, TrustState
from agor_jupyter.service.house import House
from agor_jupyter.service.paging import every
from agor_jupyter.service.requests import TrustRepo

HOUSE_FILES = (
    ProjectFile(path=".agor.yml", effect="Describes environments; nothing reads it yet.", active=False),
    ProjectFile(path=".vscode/mcp.json", effect="Names tool servers; no agent here reads it.", active=False),
    ProjectFile(path=".gitmodules", effect="Names submodules; Agor never fetches them.", active=False),
)
GIT_EFFECT = "an agent's git runs it once you trust; git of Agor never does."


async def preview(house: House, actor: Actor, repo_id: str) -> RepoTrust:
    """Tell what trust would switch on in this repository and its worktrees, by looking only."""
    admit(actor, "repos.trust_preview")
    repo = await repos.get(house, repo_id)
    return _told(house, repo, await _look(house, repo))


async def change(house: House, actor: Actor, repo_id: str, request: TrustRepo) -> RepoTrust:
    """Trust a repository as it was shown, or trust it no longer.

    Raises `Conflict` when something else lies there than what `digest` names, and where a setting of the
    server trusts it; `Unprocessable` when it holds more than can be looked at. Agents that run keep what
    they started with.
    """
    repo = await repos.get(house, repo_id)
    admit_owner(actor, "repos.trust", repo.owner)
    house.check_writable()
    if not request.trusted and by_setting(house, repo):
        raise Conflict(
            f"A setting of this server trusts {repo.name}.",
            hint="Change AgorApp.trusted_repositories and restart the server.",
        )
    seen = await _look(house, repo)
    if request.trusted:
        _check_shown(repo, seen, request.digest)
    async with house.naming:
        repo = await repos.get(house, repo_id)
        changes = {
            "trusted_by": actor.id if request.trusted else None,
            "trusted_ms": house.clock() if request.trusted else None,
            "trusted_digest": seen.digest if request.trusted else "",
            "trusted_items": tuple(sorted(seen.active)) if request.trusted else (),
        }
        repo = await house.records.repos.put(repo.model_copy(update=changes), by=actor.id)
    return _told(house, repo, seen)


def _check_shown(repo: Repo, seen: _Seen, digest: str) -> None:
    if not seen.complete:
        raise Unprocessable(
            f"{repo.name} has too many files to be looked through.",
            hint="Who runs this server can trust its folder: AgorApp.trusted_repositories.",
        )
    large = [item.path for item in seen.items if item.active and item.path in seen.too_large]
    if large:
        raise Unprocessable(
            f"{large[0]} of {repo.name} is too large to be looked at.",
            hint="Make it smaller (32 MB, 2,000 files and folders): nobody could see whether it changes.",
            path=large[0],
        )
    if digest != seen.digest:
        raise Conflict(
            f"What {repo.name} brings along is not what was shown.",
            hint="Look at the list again, then decide.",
            digest=seen.digest,
        )


async def is_trusted(house: House, worktree: Worktree) -> bool:
    """Say whether an agent that starts in this worktree now may read its instructions and settings.

    Asks no one. What cannot be looked at is not trusted.
    """
    repo = await house.records.repos.get(worktree.repo_id)
    if repo is None:
        return False
    if by_setting(house, repo):
        return True
    if repo.trusted_by is None:
        return False
    seen = _Seen(_wanted(house))
    await seen.look(house, worktree.path, worktree.name)
    return seen.is_within(repo.trusted_items)


async def check_start(house: House, kind: AgentKind, worktree: Worktree) -> bool:
    """Say whether the agent may read what the repository brings; asked before each start.

    Raises `Conflict` for a kind that would read it all the same, where nobody trusts the repository.
    """
    trusted = await is_trusted(house, worktree)
    if kind.capabilities.reads_untrusted and not trusted:
        raise Conflict(
            f"{kind.title} reads a repository's instructions and settings whatever it is told, and nobody "
            "trusts what lies in this one.",
            hint="Look at it and trust it (agor:trust-repository), then resume the session.",
            repo_id=worktree.repo_id,
        )
    return trusted


def by_setting(house: House, repo: Repo) -> bool:
    """Say whether the server's setting trusts it: a pattern of the folder itself, or of one above it."""
    return any(lies_under(repo.path, pattern) for pattern in house.trusted_paths)


def lies_under(path: str, pattern: str) -> bool:
    """Match part by part, so that no star reaches over a slash and no name is another one's beginning."""
    wanted, parts = PurePath(pattern).parts, PurePath(path).parts
    if not wanted or len(parts) < len(wanted) or ".." in wanted:
        return False
    return all(fnmatchcase(part, want) for part, want in zip(parts, wanted, strict=False))


class _Seen:
    """What several checkouts of one repository bring along, each thing once."""

    def __init__(self, wanted: tuple[ProjectFile, ...]) -> None:
        self._wanted = wanted
        self._places: dict[str, list[str]] = {}
        self._lab_paths: dict[str, dict[str, str]] = {}
        self._leads_out: set[str] = set()
        self._git: dict[str, tuple[str, list[str]]] = {}
        self._digests: set[str] = set()
        self.too_large: set[str] = set()
        self.active: set[str] = set()
        self.complete = True

    async def look(self, house: House, folder: str, name: str) -> None:
        found = await asyncio.to_thread(house.git.repos.look, folder, self._wanted)
        self.complete = self.complete and found.complete
        for thing in found.found:
            self._take(thing, name)
            if thing.digest and not thing.leads_out and not thing.path.endswith("/"):
                self._show(thing, house.paths.lab_path(str(Path(folder) / thing.path)))
        for program in await house.git.repos.named_programs(folder):
            self._git.setdefault(program.name, (program.what, []))[1].append(name)
            self._note(program.name, program.digest, active=True)

    def _take(self, thing: Found, name: str) -> None:
        self._places.setdefault(thing.path, []).append(name)
        if thing.leads_out:
            self._leads_out.add(thing.path)
        self._note(thing.path, thing.digest, active=any(file.active for file in self._of(thing.path)))

    def _show(self, thing: Found, lab_path: str | None) -> None:
        """Note where a person can read it: of checkouts that hold the same bytes the first is enough."""
        if lab_path is not None:
            self._lab_paths.setdefault(thing.path, {}).setdefault(thing.digest, lab_path)

    def _note(self, path: str, digest: str, *, active: bool) -> None:
        if not digest:
            self.too_large.add(path)
            digest = f"too large: {path}"  # equal to nothing that anybody could trust
        self._digests.add(digest)
        if active:
            self.active.add(digest)

    def is_within(self, trusted: Collection[str]) -> bool:
        """Say whether all was looked at, and nothing of it is switched on that was not trusted."""
        return self.complete and self.active <= set(trusted)

    def _of(self, path: str) -> list[ProjectFile]:
        name = PurePath(path).name
        return [f for f in self._wanted if f.path == path or (f.anywhere and f.path == name)]

    @property
    def items(self) -> tuple[TrustItem, ...]:
        """What is there, first what is switched on and can run something."""
        found = [self._item(path, places) for path, places in self._places.items()]
        git = (
            TrustItem(
                path=name,
                effect=f"{what[:1].upper()}{what[1:]}: {GIT_EFFECT}",
                runs=True,
                places=tuple(places),
            )
            for name, (what, places) in self._git.items()
        )
        return tuple(
            sorted(
                (*found, *git),
                key=lambda item: (not item.active, item.path in self._git, not item.runs, item.path),
            )
        )

    def _item(self, path: str, places: list[str]) -> TrustItem:
        files = self._of(path)
        effects = [file.effect for file in files]
        effects += ["It leads out of the repository."] if path in self._leads_out else []
        return TrustItem(
            path=path,
            effect=" ".join(dict.fromkeys(effects)),
            runs=any(file.runs for file in files),
            active=any(file.active for file in files),
            places=tuple(places),
            lab_paths=tuple(self._lab_paths.get(path, {}).values()),
        )

    @property
    def digest(self) -> str:
        """Identify the whole list, contents included."""
        return hashlib.sha256("\n".join(sorted(self._digests)).encode()).hexdigest()


def _wanted(house: House) -> tuple[ProjectFile, ...]:
    kinds = (file for kind in house.agents.kinds() for file in kind.capabilities.project_files)
    return (*kinds, *HOUSE_FILES)


async def _look(house: House, repo: Repo) -> _Seen:
    seen = _Seen(_wanted(house))
    checkouts = [(repo.path, repo.name)]
    async for worktree in every(house.records.worktrees, repo_id=repo.id):
        if worktree.state != "archived":
            checkouts.append((worktree.path, worktree.name))
    for folder, name in checkouts:
        if await asyncio.to_thread(Path(folder).is_dir):
            await seen.look(house, folder, name)
    return seen


def _told(house: House, repo: Repo, seen: _Seen) -> RepoTrust:
    return RepoTrust(
        repo_id=repo.id,
        state=_state(house, repo, seen),
        by_setting=by_setting(house, repo),
        trusted_by=repo.trusted_by,
        trusted_ms=repo.trusted_ms,
        items=seen.items,
        digest=seen.digest,
        complete=seen.complete,
    )


def _state(house: House, repo: Repo, seen: _Seen) -> TrustState:
    if by_setting(house, repo):
        return "trusted"
    if repo.trusted_by is None:
        return "untrusted"
    return "trusted" if seen.is_within(repo.trusted_items) else "changed"
