"""A person's own MCP servers: for all their sessions, for those of a repository, or for one session.

Secrets stand in them by reference only (`${NAME}`, a credential of the same person). Which servers a
session gets is decided here; who passes them on is the agent's adapter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from agor_jupyter.domain.credential import references_in, without_references
from agor_jupyter.domain.ids import McpServerId, RepoId, SessionId, UserId
from agor_jupyter.domain.model import Value

Scope = Literal["user", "repo", "session"]
Transport = Literal["stdio", "http"]

HOUSE_NAME = "agor"
"""The house's own tools have it."""

_NEARER: Mapping[Scope, int] = {"user": 0, "repo": 1, "session": 2}
_SHORTEST_SECRET = 8
_TELLING_NAME = re.compile(
    r"(authorization|cookie|api[-_]?key|access[-_]?key|token|secret|passw(or)?d|credential)", re.IGNORECASE
)
_SCHEME = re.compile(r"^\s*(bearer|basic|token|digest)\b\s*", re.IGNORECASE)
_KNOWN_FORM = re.compile(
    r"(?<![A-Za-z0-9])(sk|pk|rk|ghp|gho|ghu|ghs|github_pat|glpat|xox[abeprs]|hf|npm|pypi|agor|AKIA|ASIA|AIza"
    r"|ya29\.|eyJ)[-_A-Za-z0-9]{12,}"
)
_WITH_SCHEME = re.compile(r"\b(bearer|basic)\s+[^\s$]{8,}", re.IGNORECASE)
_RANDOM = re.compile(r"[A-Za-z0-9_-]{32,}")


class OwnServer(Value):
    """One server of one person. `repo_id` or `session_id` says where, by `scope`.

    Of equal names the nearer counts: the session's before the repository's before the person's. One
    that is not `enabled` switches off those of its name that are further away. A `switch` has nothing
    else to say: it is what lies next behind it, on or off.
    """

    id: McpServerId
    owner: UserId
    scope: Scope = "user"
    repo_id: RepoId | None = None
    session_id: SessionId | None = None
    name: str
    transport: Transport = "stdio"
    command: tuple[str, ...] = ()
    url: str = ""
    environment: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    enabled: bool = True
    switch: bool = False
    created_ms: int

    @property
    def references(self) -> tuple[str, ...]:
        """Name the credentials that it needs."""
        return references_in("\n".join([*self.environment.values(), *self.headers.values()]))


def servers_for(
    servers: Iterable[OwnServer], *, repo_id: RepoId | None, session_id: SessionId | None
) -> tuple[OwnServer, ...]:
    """Choose of one person's servers what a session gets: by name, the nearest, if it is enabled."""
    near = nearest(servers, repo_id=repo_id, session_id=session_id)
    return tuple(server for server in near if server.enabled)


def nearest(
    servers: Iterable[OwnServer], *, repo_id: RepoId | None, session_id: SessionId | None
) -> tuple[OwnServer, ...]:
    """Find of each name the one that counts for a session, on or off.

    One that is switched for the session alone is given as what it is, switched so: its id and scope say
    where it is kept. A switch with nothing behind it is none.
    """
    near = [
        server
        for server in servers
        if server.scope == "user"
        or (server.scope == "repo" and repo_id is not None and server.repo_id == repo_id)
        or (server.scope == "session" and session_id is not None and server.session_id == session_id)
    ]
    chosen: dict[str, OwnServer] = {}
    for server in sorted(near, key=lambda item: _NEARER[item.scope]):
        behind = chosen.get(server.name)
        if not server.switch:
            chosen[server.name] = server
        elif behind is not None:
            chosen[server.name] = behind.model_copy(update={"enabled": server.enabled})
    return tuple(chosen.values())


def switch_of(
    server: OwnServer, session_id: SessionId, *, enabled: bool, id: McpServerId, at_ms: int
) -> OwnServer:
    """Make the record that switches a server for one session and says nothing else of it."""
    return OwnServer(
        id=id,
        owner=server.owner,
        scope="session",
        session_id=session_id,
        name=server.name,
        enabled=enabled,
        switch=True,
        created_ms=at_ms,
    )


def looks_secret(name: str, value: str) -> bool:
    """Say whether `value` (of the header or variable `name`) seems to hold a secret as it is.

    A guess that errs on the safe side for names that tell, and on the lax side for all others.
    """
    literal = without_references(value)
    if _KNOWN_FORM.search(literal) or _WITH_SCHEME.search(literal):
        return True
    if _TELLING_NAME.search(name) and len(_SCHEME.sub("", literal).strip()) >= _SHORTEST_SECRET:
        return True
    return any(_mixed(word) for word in _RANDOM.findall(literal))


def _mixed(word: str) -> bool:
    kinds = (str.islower, str.isupper, str.isdigit)
    return all(any(kind(letter) for letter in word) for kind in kinds)
