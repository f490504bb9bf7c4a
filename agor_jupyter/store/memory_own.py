"""What is a person's own, in memory: credentials and MCP servers. See `memory`."""

from __future__ import annotations

from collections.abc import Iterable

from agor_jupyter.domain.credential import Credential
from agor_jupyter.domain.ids import UserId
from agor_jupyter.domain.mcp_server import OwnServer
from agor_jupyter.domain.ports import Clock


class MemoryVault:
    """`Vault` in a dictionary: nothing is at rest, so nothing is sealed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[tuple[UserId, str], tuple[str, int]] = {}

    async def listed(self, user: UserId) -> tuple[Credential, ...]:
        mine = sorted((name, kept[1]) for (owner, name), kept in self._kept.items() if owner == user)
        return tuple(Credential(name=name, set_ms=set_ms) for name, set_ms in mine)

    async def seal(self, user: UserId, name: str, value: str) -> None:
        self._kept[user, name] = (value, self._clock())

    async def unseal(self, user: UserId, names: Iterable[str]) -> dict[str, str]:
        wanted = set(names)
        return {
            name: kept[0] for (owner, name), kept in self._kept.items() if owner == user and name in wanted
        }

    async def forget(self, user: UserId, name: str) -> None:
        self._kept.pop((user, name), None)


class MemoryOwnServers:
    """`OwnServers` in a dictionary, in the order of making."""

    def __init__(self) -> None:
        self._kept: dict[str, OwnServer] = {}

    async def get(self, id: str) -> OwnServer | None:
        return self._kept.get(id)

    async def of(self, owner: UserId) -> tuple[OwnServer, ...]:
        return tuple(server for server in self._kept.values() if server.owner == owner)

    async def put(self, server: OwnServer) -> None:
        self._kept[server.id] = server

    async def delete(self, id: str) -> None:
        self._kept.pop(id, None)
