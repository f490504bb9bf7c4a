"""A real kernel beside a server that speaks the wire."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager

from tests.client.fake import TOKEN, World, serving

ROOT = Path(__file__).parents[2]


@pytest.fixture
def world() -> Iterator[World]:
    logging.getLogger("tornado.access").setLevel(logging.CRITICAL)
    world = World()
    world.sessions.append(world.session())
    with serving(world):
        yield world


@dataclass
class Ran:
    """What a cell did: the reply, its outputs as a notebook would hold them, and all that was sent."""

    status: str = ""
    outputs: list[dict[str, Any]] = field(default_factory=list)
    updates: int = 0
    error: list[str] = field(default_factory=list)
    text: str = ""

    @property
    def display(self) -> dict[str, Any]:
        return self.outputs[-1]["data"]


class Kernel:
    """A real ipykernel, driven as a front end does."""

    def __init__(self, manager: AsyncKernelManager, client: AsyncKernelClient) -> None:
        self.manager, self.client = manager, client

    async def run(self, code: str, *, cell_id: str | None = None, on_update: Any = None) -> Ran:
        message = self.client.session.msg(
            "execute_request",
            {
                "code": code,
                "silent": False,
                "store_history": True,
                "user_expressions": {},
                "allow_stdin": False,
            },
            metadata={"cellId": cell_id} if cell_id else {},
        )
        self.client.shell_channel.send(message)
        ran, shown = Ran(), {}
        while True:
            answer = await self.client.get_iopub_msg(timeout=30)
            if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            kind, content = answer["msg_type"], answer["content"]
            if kind == "display_data":
                ran.outputs.append(content)
                shown[content.get("transient", {}).get("display_id")] = content
            elif kind == "update_display_data":
                ran.updates += 1
                shown[content["transient"]["display_id"]]["data"] = content["data"]
            elif kind == "stream":
                ran.text += content["text"]
            elif kind == "error":
                ran.error = content["traceback"]
            elif kind == "status" and content["execution_state"] == "idle":
                break
            if on_update is not None and kind in ("display_data", "update_display_data"):
                await on_update(content["data"])
        while True:
            reply = await self.client.get_shell_msg(timeout=30)
            if reply["parent_header"]["msg_id"] == message["header"]["msg_id"]:
                ran.status = reply["content"]["status"]
                return ran


@pytest.fixture
async def kernel(world: World, tmp_path: Path) -> AsyncIterator[Kernel]:
    manager = AsyncKernelManager(kernel_name="python3")
    env = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "PYTHONPATH": str(ROOT),
        "AGOR_JUPYTER_URL": world.url,
        "AGOR_JUPYTER_TOKEN": TOKEN,
    }
    await manager.start_kernel(env=env, cwd=str(tmp_path))
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=60)
    kernel = Kernel(manager, client)
    loaded = await kernel.run("%load_ext agor_jupyter")
    assert loaded.status == "ok", loaded.error
    yield kernel
    client.stop_channels()
    await manager.shutdown_kernel(now=True)
