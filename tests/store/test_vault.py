"""Credentials at rest: sealed, each its person's own, under a key that is refused when it is lost or open."""

from __future__ import annotations

import base64
import secrets
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from agor_jupyter.domain.errors import CredentialsSealed, ReadOnly
from agor_jupyter.domain.ids import McpServerId, UserId
from agor_jupyter.domain.mcp_server import OwnServer
from agor_jupyter.store.facade import Store
from agor_jupyter.store.opening import KEY, open_store
from tests.store.conftest import FakeClock

ADA, BOB = UserId("ada"), UserId("bob")


async def test_each_persons_are_their_own(store: Store, clock: FakeClock) -> None:
    vault = store.records.vault
    await vault.seal(ADA, "B_KEY", "one")
    clock.now_ms += 5
    await vault.seal(ADA, "A_KEY", "two")
    await vault.seal(BOB, "A_KEY", "three")
    await vault.seal(BOB, "C_KEY", "five")
    assert [(item.name, item.set_ms) for item in await vault.listed(ADA)] == [
        ("A_KEY", clock.now_ms),
        ("B_KEY", clock.now_ms - 5),
    ]
    assert await vault.unseal(ADA, ["A_KEY", "OTHER"]) == {"A_KEY": "two"}
    assert await vault.unseal(BOB, ["A_KEY", "B_KEY"]) == {"A_KEY": "three"}
    assert await vault.unseal(UserId("eve"), ["A_KEY"]) == {}
    await vault.seal(ADA, "A_KEY", "four")
    await vault.forget(ADA, "B_KEY")
    await vault.forget(ADA, "B_KEY")
    await vault.forget(ADA, "C_KEY")
    assert await vault.unseal(ADA, ["A_KEY", "B_KEY"]) == {"A_KEY": "four"}
    assert await vault.unseal(BOB, ["A_KEY", "C_KEY"]) == {"A_KEY": "three", "C_KEY": "five"}
    assert await store.log.read_workspace() == [], "nobody hears of it"


async def test_servers_are_kept_by_owner_in_the_order_of_making(store: Store) -> None:
    shelf = store.records.own_servers

    def server(number: int, owner: UserId) -> OwnServer:
        id = McpServerId(f"mcp_{number:016d}")
        return OwnServer(id=id, owner=owner, name=f"s{number}", command=("x",), created_ms=number)

    for number, owner in ((3, ADA), (1, ADA), (2, BOB)):
        await shelf.put(server(number, owner))
    await shelf.put(server(3, ADA).model_copy(update={"enabled": False}))
    assert [(one.name, one.enabled) for one in await shelf.of(ADA)] == [("s3", False), ("s1", True)]
    assert await shelf.get("mcp_0000000000000002") == server(2, BOB)
    await shelf.delete("mcp_0000000000000003")
    await shelf.delete("mcp_0000000000000003")
    assert [one.name for one in await shelf.of(ADA)] == ["s1"]
    assert await store.log.read_workspace() == []


def holding(folder: Path, value: str) -> list[str]:
    """Name the files that hold the value, plain or in base64."""
    forms = [value.encode(), *(base64.b64encode(b"x" * pad + value.encode())[4:-4] for pad in range(3))]
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(form in path.read_bytes() for form in forms)
    ]


async def test_the_value_stands_nowhere_in_the_data_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    store = open_store(folder)
    value = f"canary-{secrets.token_hex(16)}"
    await store.records.keep_setting(ADA, "plain", f"seen-{value[7:]}")
    assert (folder / "agor.db-wal").stat().st_size > 0
    await store.records.vault.seal(ADA, "A_KEY", value)
    assert holding(folder, value) == [], "while the write-ahead log is there"
    assert holding(folder, f"seen-{value[7:]}"), "the search finds what is there"
    await store.records.vault.forget(ADA, "A_KEY")
    await store.close()
    assert holding(folder, value) == []


async def test_the_key_is_made_at_the_first_use_and_is_private(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    key = tmp_path / KEY
    assert await store.records.vault.unseal(ADA, ["A_KEY"]) == {}
    assert not key.exists()
    await store.records.vault.seal(ADA, "A_KEY", "one")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    await store.records.vault.forget(ADA, "A_KEY")
    await store.records.vault.seal(ADA, "A_KEY", "two")
    assert key.read_bytes() == before
    assert [path.name for path in tmp_path.glob(f"{KEY}*")] == [KEY]
    await store.close()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
async def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    store = open_store(tmp_path)
    vault = store.records.vault
    await vault.seal(ADA, "A_KEY", "one")
    (tmp_path / KEY).chmod(mode)
    for attempt in (vault.unseal(ADA, ["A_KEY"]), vault.seal(ADA, "B_KEY", "two")):
        with pytest.raises(CredentialsSealed) as refused:
            await attempt
        assert "chmod 600" in refused.value.hint
    (tmp_path / KEY).chmod(0o600)
    assert await vault.unseal(ADA, ["A_KEY", "B_KEY"]) == {"A_KEY": "one"}
    await store.close()


async def test_a_lost_key_is_said_and_never_replaced(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    vault = store.records.vault
    await vault.seal(ADA, "A_KEY", "one")
    kept = (tmp_path / KEY).read_bytes()
    (tmp_path / KEY).unlink()
    for attempt in (vault.unseal(ADA, ["A_KEY"]), vault.seal(BOB, "A_KEY", "two")):
        with pytest.raises(CredentialsSealed) as refused:
            await attempt
        assert "backup" in refused.value.hint
    assert not (tmp_path / KEY).exists()
    assert await vault.unseal(BOB, ["A_KEY"]) == {}, "who has set nothing is not stopped"
    (tmp_path / KEY).write_bytes(kept)
    (tmp_path / KEY).chmod(0o600)
    assert await vault.unseal(ADA, ["A_KEY"]) == {"A_KEY": "one"}
    (tmp_path / KEY).unlink()
    await vault.forget(ADA, "A_KEY")
    await vault.seal(BOB, "A_KEY", "two")
    assert await vault.unseal(BOB, ["A_KEY"]) == {"A_KEY": "two"}, "with none left, there is a new one"
    await store.close()


async def test_another_key_a_broken_one_and_a_link_are_refused(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    vault, key = store.records.vault, tmp_path / KEY
    await vault.seal(ADA, "A_KEY", "one")
    old = key.read_bytes()
    for content in (Fernet.generate_key(), b"no key at all", b""):
        key.write_bytes(content)
        with pytest.raises(CredentialsSealed):
            await vault.unseal(ADA, ["A_KEY"])
    key.unlink()
    (tmp_path / "elsewhere").write_bytes(old)
    (tmp_path / "elsewhere").chmod(0o600)
    key.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CredentialsSealed):
        await vault.unseal(ADA, ["A_KEY"])
    await store.close()


async def test_a_new_key_in_front_seals_and_the_old_one_still_opens(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    vault, key = store.records.vault, tmp_path / KEY
    await vault.seal(ADA, "A_KEY", "one")
    old = key.read_bytes()
    fresh = Fernet.generate_key() + b"\n"
    key.write_bytes(fresh + old)
    await vault.seal(ADA, "B_KEY", "two")
    assert await vault.unseal(ADA, ["A_KEY", "B_KEY"]) == {"A_KEY": "one", "B_KEY": "two"}
    key.write_bytes(fresh)
    assert await vault.unseal(ADA, ["B_KEY"]) == {"B_KEY": "two"}
    with pytest.raises(CredentialsSealed):
        await vault.unseal(ADA, ["A_KEY"])
    await store.close()


@pytest.mark.parametrize("change", ["user = 'bob'", "name = 'B_KEY'"])
async def test_a_row_that_was_moved_does_not_open(tmp_path: Path, change: str) -> None:
    store = open_store(tmp_path)
    await store.records.vault.seal(ADA, "A_KEY", "one")
    await store.close()
    with closing(sqlite3.connect(tmp_path / "agor.db")) as database:
        database.execute(f"UPDATE credentials SET {change}")
        database.commit()
    store = open_store(tmp_path)
    with pytest.raises(CredentialsSealed):
        await store.records.vault.unseal(BOB if "user" in change else ADA, ["A_KEY", "B_KEY"])
    await store.close()


async def test_a_second_server_reads_and_writes_none(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    await store.records.vault.seal(ADA, "A_KEY", "one")
    second = open_store(tmp_path)
    with pytest.raises(ReadOnly):
        await second.records.vault.seal(ADA, "A_KEY", "two")
    with pytest.raises(ReadOnly):
        await second.records.vault.forget(ADA, "A_KEY")
    await second.close()
    assert await store.records.vault.unseal(ADA, ["A_KEY"]) == {"A_KEY": "one"}
    await store.close()
