"""A kernel's own token: who it stands for, where it is seen, when it ends."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import psutil
import pytest
from jupyter_server import CallContext
from jupyter_server.auth import IdentityProvider, User
from tornado.httpclient import AsyncHTTPClient

from agor_jupyter.domain.errors import ReadOnly
from agor_jupyter.domain.ids import UserId
from agor_jupyter.domain.ports import TokenIssuer
from agor_jupyter.server.kernels import TOKEN_VARIABLE, URL_VARIABLE, inject, kernel_url
from agor_jupyter.store.memory import open_memory
from tests.transcripts.collaboration import jupyter

pytestmark = [
    # Rooms and kernels of a real server leave streams and sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class Manager:
    """A kernel manager that starts nothing, and remembers the environments."""

    def __init__(self) -> None:
        self.environments: list[dict[str, str] | None] = []
        self.fails = False

    async def start_kernel(self, *, env: dict[str, str] | None = None, **options: Any) -> str:
        self.environments.append(env)
        if self.fails:
            raise RuntimeError("no kernel")
        return str(options.get("kernel_id", f"k{len(self.environments)}"))

    async def shutdown_kernel(self, kernel_id: str, now: bool = False, restart: bool = False) -> None:
        return None


class Named(IdentityProvider):
    def get_user(self, handler: Any) -> User:
        return User(username="ann")


class App:
    def __init__(self, provider: IdentityProvider) -> None:
        self.kernel_manager = Manager()
        self.identity_provider = provider
        self.connection_url = "http://0.0.0.0:8888/user/ann/"


@pytest.fixture
def tokens() -> TokenIssuer:
    return open_memory().tokens


async def test_a_kernel_gets_a_token_of_the_one_person(tokens: TokenIssuer) -> None:
    app = App(IdentityProvider())
    inject(app, tokens)
    kernel_id = await app.kernel_manager.start_kernel(env={"PATH": "/bin"})
    env = app.kernel_manager.environments[0]
    assert env is not None
    assert env[URL_VARIABLE] == "http://127.0.0.1:8888/user/ann/"
    assert env["PATH"] == "/bin"
    assert await tokens.check(env[TOKEN_VARIABLE]) == "local"
    assert TOKEN_VARIABLE not in os.environ, "terminals and agents must not inherit it"
    await app.kernel_manager.shutdown_kernel(kernel_id, restart=True)
    assert await tokens.check(env[TOKEN_VARIABLE]) == "local", "a restart keeps the environment"
    await app.kernel_manager.shutdown_kernel(kernel_id)
    assert await tokens.check(env[TOKEN_VARIABLE]) is None


async def test_without_an_environment_the_servers_own_is_kept(
    tokens: TokenIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOMETHING", "kept")
    app = App(IdentityProvider())
    inject(app, tokens)
    await app.kernel_manager.start_kernel()
    env = app.kernel_manager.environments[0]
    assert env is not None
    assert env["SOMETHING"] == "kept"


async def test_named_people_get_their_own(tokens: TokenIssuer) -> None:
    app = App(Named())
    inject(app, tokens)
    await app.kernel_manager.start_kernel(env={})
    assert app.kernel_manager.environments == [{}], "nobody asked: nobody's token"
    handler = type("Handler", (), {"current_user": User(username="ann")})()
    CallContext.set(CallContext.JUPYTER_HANDLER, handler)
    await app.kernel_manager.start_kernel(env={})
    env = app.kernel_manager.environments[1]
    assert env is not None
    assert await tokens.check(env[TOKEN_VARIABLE]) == UserId("ann")


async def test_a_kernel_that_does_not_start_leaves_no_token(tokens: TokenIssuer) -> None:
    app = App(IdentityProvider())
    inject(app, tokens)
    app.kernel_manager.fails = True
    with pytest.raises(RuntimeError):
        await app.kernel_manager.start_kernel(env={})
    env = app.kernel_manager.environments[0]
    assert env is not None
    assert await tokens.check(env[TOKEN_VARIABLE]) is None


async def test_a_store_that_cannot_mint_stops_no_kernel() -> None:
    class Full:
        async def mint(self, user: UserId, purpose: str) -> str:
            raise ReadOnly("Another server holds the folder.")

        async def check(self, token: str) -> UserId | None:
            return None

        async def revoke(self, token: str) -> None:
            return None

    app = App(IdentityProvider())
    undo = inject(app, Full())
    assert await app.kernel_manager.start_kernel(env={}) == "k1"
    assert app.kernel_manager.environments == [{}]
    undo()
    assert await app.kernel_manager.start_kernel(env={}) == "k2"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8888/", "http://127.0.0.1:8888/"),
        ("http://0.0.0.0:8888/a", "http://127.0.0.1:8888/a/"),
        ("http://[::]:8888/", "http://[::1]:8888/"),
        ("https://user:word@host:1/?token=x", "https://host:1/"),
    ],
)
def test_addresses(url: str, expected: str) -> None:
    assert kernel_url(url) == expected


async def test_a_real_server_and_a_real_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through `/api/kernels`, as a front end starts one; restarted, it keeps its token."""
    root = tmp_path / "root"
    root.mkdir()
    tokens = open_memory().tokens
    async with jupyter(root, tmp_path / "home", monkeypatch) as (app, url):
        inject(app, tokens)
        app.port = int(url.split(":")[2].split("/")[0])
        client = AsyncHTTPClient()
        made = await client.fetch(f"{url}api/kernels", method="POST", body="{}")
        kernel_id = json.loads(made.body)["id"]
        seen = []
        for _ in range(2):
            provisioner = app.kernel_manager.get_kernel(kernel_id).provisioner
            seen.append(psutil.Process(provisioner.pid).environ())
            await app.kernel_manager.restart_kernel(kernel_id, now=True)
        assert [await tokens.check(env[TOKEN_VARIABLE]) for env in seen] == ["local", "local"]
        assert seen[0][URL_VARIABLE] == url.replace("127.0.0.1", "localhost")
        assert TOKEN_VARIABLE not in os.environ
        await client.fetch(f"{url}api/kernels/{kernel_id}", method="DELETE")
        assert await tokens.check(seen[0][TOKEN_VARIABLE]) is None
