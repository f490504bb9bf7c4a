"""The kernel's side works in an environment that holds ipykernel and nothing of the server."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.client.fake import SES, TOKEN, World
from tests.magics.conftest import ROOT

BLOCKED = """
import sys
class Block:
    names = {"pydantic", "tornado", "jupyter_server", "pycrdt", "nbformat", "psutil", "yaml", "git"}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ImportError("blocked: " + name)
        return None
sys.meta_path.insert(0, Block())
from IPython.core.interactiveshell import InteractiveShell
import agor_jupyter
shell = InteractiveShell.instance()
agor_jupyter.load_ipython_extension(shell)
agor_jupyter.load_ipython_extension(shell)
assert shell.find_line_magic("agor") and shell.find_cell_magic("agor")
assert sum(getattr(t, "__name__", "") == "transform" for t in shell.input_transformers_cleanup) == 1
import agor_jupyter.client.discover, agor_jupyter.client.stream
assert "agor_jupyter.domain" not in sys.modules
print("alone")
"""

DRIVE = """
import asyncio, json, os, sys
from jupyter_client.manager import AsyncKernelManager
async def main():
    manager = AsyncKernelManager(kernel_name="python3")
    await manager.start_kernel(env=dict(os.environ))
    client = manager.client(); client.start_channels(); await client.wait_for_ready(60)
    for code in ["%load_ext agor_jupyter", sys.argv[1]]:
        out = []
        reply = await client.execute_interactive(code, output_hook=out.append, timeout=60)
        if reply["content"]["status"] != "ok": print(reply["content"]["traceback"]); break
    shown = [m["content"]["data"] for m in out if "data" in m["content"]]
    print(json.dumps(shown[-1]["text/markdown"]))
    client.stop_channels(); await manager.shutdown_kernel(now=True)
asyncio.run(main())
"""


def test_loading_needs_nothing_of_the_server() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", BLOCKED],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": "/nonexistent"},
    )
    assert ran.stdout == "alone\n", ran.stderr


async def install(python: Path, *what: str) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *what]
    return await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.mark.slow
@pytest.mark.timeout(700)
async def test_the_wheel_beside_ipykernel_alone(world: World, tmp_path: Path, wheel: Path) -> None:
    place = tmp_path / "venv"
    await asyncio.to_thread(venv.create, place, with_pip=True)
    python = place / "bin" / "python"
    if (await install(python, "ipykernel")).returncode:
        pytest.skip("ipykernel cannot be installed here: no package index")
    put = await install(python, "--no-deps", "--no-index", str(wheel))
    assert put.returncode == 0, put.stderr
    site = next((place / "lib").glob("python*/site-packages"))
    assert (place / "share/jupyter/labextensions/agor-jupyter/static/style.js").exists()
    assert (place / "etc/jupyter/jupyter_server_config.d/agor_jupyter.json").exists()
    env = {
        "PATH": f"{place}/bin:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "AGOR_JUPYTER_URL": world.url,
        "AGOR_JUPYTER_TOKEN": TOKEN,
    }
    cell = f"%%agor {SES}\nhello"
    job = await asyncio.create_subprocess_exec(
        str(python), "-c", DRIVE, cell, env=env, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(100):
        out, _ = await job.communicate()
    assert "Hello there." in json.loads(out.decode().splitlines()[-1])
    assert TOKEN not in out.decode()
    assert (site / "ipykernel").exists() and (site / "agor_jupyter").exists()
    assert not (site / "pydantic").exists()
