"""Repositories: which of this machine's are in the house."""

from __future__ import annotations

from pathlib import Path

from agor_jupyter.domain.errors import Conflict, NotARepository, Unprocessable
from agor_jupyter.domain.ids import RepoId
from agor_jupyter.domain.ports import Page
from agor_jupyter.domain.repo import Repo
from agor_jupyter.domain.user import Actor
from agor_jupyter.service.access import admit, admit_owner
from agor_jupyter.service.answers import Branch, Suggestion
from agor_jupyter.service.house import House
from agor_jupyter.service.paging import check_limit, every, found
from agor_jupyter.service.requests import AddRepo, RenameRepo


async def browse(house: House, actor: Actor, *, limit: int = 100, cursor: str | None = None) -> Page[Repo]:
    admit(actor, "repos.browse")
    check_limit(limit, cursor)
    return await house.records.repos.list(limit=limit, cursor=cursor)


async def show(house: House, actor: Actor, repo_id: str) -> Repo:
    admit(actor, "repos.show")
    return await get(house, repo_id)


async def get(house: House, repo_id: str) -> Repo:
    """Give the repository, or raise `NotFound`. Asks no one: for other verbs of the house."""
    return found(await house.records.repos.get(repo_id), "repository", repo_id)


async def branches(house: House, actor: Actor, repo_id: str) -> Page[Branch]:
    admit(actor, "repos.branches")
    repo = await get(house, repo_id)
    found = await house.git.repos.branches(repo.path)
    items = (Branch(name=item.name, sha=item.sha, checked_out=item.checked_out) for item in found)
    return Page[Branch](items=tuple(items))


async def add(house: House, actor: Actor, request: AddRepo) -> Repo:
    """Take a repository in. Raises `NotARepository`, or `Conflict` with the `id` of the one that is here."""
    admit(actor, "repos.add")
    house.check_writable()
    path = _local_path(house, request)
    repo_id = RepoId(house.new_id("repo"))
    made = await house.records.repos.get(repo_id)
    if made is not None:
        return made  # a retry, under its idempotency key, of a request that a crash cut off
    facts = await house.git.repos.inspect(path)
    async with house.naming:
        async for other in every(house.records.repos, path=facts.top):
            raise Conflict(f"{other.name} is here already.", hint="Use the one that is here.", id=other.id)
        repo = Repo(
            id=repo_id,
            name=request.name or Path(facts.top).name or facts.top,
            path=facts.top,
            default_branch=facts.default_branch,
            owner=actor.id,
            created_ms=house.clock(),
        )
        return await house.records.repos.put(repo, by=actor.id)


def _local_path(house: House, request: AddRepo) -> str:
    if request.url is not None:
        raise Unprocessable(
            "Cloning from an address is not supported yet.",
            hint="Clone it in a terminal and add its folder by `path`.",
        )
    if request.path is None:
        raise Unprocessable("A repository needs a path.", hint="Give `path`, a folder of this machine.")
    path = Path(request.path)
    if not path.is_absolute() and not request.path.startswith("~"):
        if house.paths.root_dir is None:
            raise NotARepository("The path must be absolute.", hint="Begin it with a slash.")
        path = house.paths.root_dir / path
    return str(path.expanduser())


async def rename(house: House, actor: Actor, repo_id: str, request: RenameRepo) -> Repo:
    admit(actor, "repos.rename")
    house.check_writable()
    async with house.naming:  # a record is read and written as one: whoever trusts it writes it too
        repo = await get(house, repo_id)
        return await house.records.repos.put(repo.model_copy(update={"name": request.name}), by=actor.id)


async def delete(house: House, actor: Actor, repo_id: str) -> None:
    """Forget a repository; its files stay. Raises `Conflict` while it has worktrees that are not archived."""
    repo = await get(house, repo_id)
    admit_owner(actor, "repos.delete", repo.owner)
    house.check_writable()
    async with house.naming:
        async for worktree in every(house.records.worktrees, repo_id=repo.id):
            if worktree.state != "archived":
                raise Conflict(
                    f"{repo.name} has the worktree {worktree.name}.",
                    hint="Archive or delete its worktrees first.",
                    worktree_id=worktree.id,
                )
        await house.records.repos.delete(repo.id, by=actor.id)


async def suggest(house: House, actor: Actor) -> Page[Suggestion]:
    """Offer the server's root folder, if it is a repository, and repositories directly below it."""
    admit(actor, "repos.suggest")
    here = {repo.path async for repo in every(house.records.repos)}
    root = house.paths.root_dir
    found = await house.git.repos.suggest(str(root)) if root is not None else []
    fresh = (Suggestion(path=item.path, name=item.name) for item in found if item.path not in here)
    return Page[Suggestion](items=tuple(fresh))
