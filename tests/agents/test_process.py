"""Processes get a clean environment, do not stall on stderr, and end with all that they started."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from agor_jupyter.agents.process import allowed_environment, end_tree, marked, spawn
from agor_jupyter.domain.errors import AgentUnavailable

ROOT = Path(__file__).resolve().parents[2]
PLAIN = {"PATH": os.environ["PATH"]}


def test_the_allow_list() -> None:
    source = {
        "PATH": "/bin",
        "HOME": "/h",
        "LC_ALL": "C",
        "XDG_CONFIG_HOME": "/c",
        "https_proxy": "http://p",
        "NODE_EXTRA_CA_CERTS": "/ca",
        "JUPYTER_TOKEN": "t",
        "JUPYTERHUB_API_TOKEN": "t",
        "JPY_API_TOKEN": "t",
        "AGOR_JUPYTER_TOKEN": "t",
        "jupyter_token": "t",
        "AWS_SECRET_ACCESS_KEY": "t",
        "LD_PRELOAD": "/evil.so",
        "PYTHONPATH": "/x",
        "MODEL_KEY": "k",
    }
    kept = allowed_environment(source, extra=["MODEL_KEY", "JUPYTERHUB_API_TOKEN", "ABSENT"])
    assert set(kept) == {
        "PATH",
        "HOME",
        "LC_ALL",
        "XDG_CONFIG_HOME",
        "https_proxy",
        "NODE_EXTRA_CA_CERTS",
        "MODEL_KEY",
    }


async def test_a_flood_on_stderr_stalls_nothing_and_is_bounded(tmp_path: Path) -> None:
    flood = (
        "import sys\nfor n in range(20000): sys.stderr.write(f'line {n} ' + 'x' * 200 + '\\n')\nprint('end')"
    )
    child = await spawn([sys.executable, "-c", flood], cwd=str(tmp_path), environment=PLAIN)
    assert child.process.stdout is not None
    async with asyncio.timeout(20):
        assert (await child.process.stdout.read()).strip() == b"end"
        await child.process.wait()
    assert await child.end() == 0
    tail = child.stderr_tail()
    assert "line 19999" in tail
    assert len(tail) < 100_000


async def test_the_command_leads_a_group_of_its_own(tmp_path: Path) -> None:
    child = await spawn(["sleep", "60"], cwd=str(tmp_path), environment=PLAIN)
    assert os.getsid(child.pid) == child.pid
    assert await child.end(grace_seconds=1) == -15
    assert not psutil.pid_exists(child.pid)


@pytest.mark.parametrize(
    "script",
    [
        "sleep 81",
        "trap '' TERM; sleep 82; sleep 82",
        "sleep 83 & sleep 83 & wait",
        "setsid sleep 84 & sleep 84",
        "setsid sh -c 'trap \"\" TERM; sleep 85; sleep 85' & wait",
        "(setsid sh -c 'setsid sleep 86 & sleep 86' &) ; exit 0",
    ],
    ids=["plain", "ignores-term", "children", "setsid", "setsid-ignores-term", "double-fork"],
)
async def test_nothing_survives_the_ladder(tmp_path: Path, script: str) -> None:
    child = await spawn(["sh", "-c", script], cwd=str(tmp_path), environment=PLAIN)
    async with asyncio.timeout(10):
        while not any(_name(pid) == "sleep" for pid in marked(child.marker)):
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)  # let what is still being forked come
    begun = asyncio.get_running_loop().time()
    await child.end(grace_seconds=0.5)
    assert asyncio.get_running_loop().time() - begun < 3
    async with asyncio.timeout(2):
        while marked(child.marker):
            await asyncio.sleep(0.01)
    assert not psutil.pid_exists(child.pid), "the leader was not waited for"
    await child.end()


def _name(pid: int) -> str:
    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return ""


async def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells a child that its parent has died")
    program = (
        "import asyncio, os, sys\n"
        "from agor_jupyter.agents.process import spawn\n"
        "async def main():\n"
        "    child = await spawn(['sleep', '87'], cwd='/', environment={'PATH': os.environ['PATH']})\n"
        "    print(child.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
    )
    assert parent.stdout is not None
    pid = int(await asyncio.to_thread(parent.stdout.readline))
    async with asyncio.timeout(10):
        while _name(pid) != "sleep":
            await asyncio.sleep(0.01)
    parent.kill()
    await asyncio.to_thread(parent.wait)
    parent.stdout.close()
    async with asyncio.timeout(3):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.01)


async def test_a_missing_command_is_said_before_it_is_started(tmp_path: Path) -> None:
    with pytest.raises(AgentUnavailable, match="no-such-agent"):
        await spawn(["no-such-agent"], cwd=str(tmp_path), environment=PLAIN)


async def test_another_process_of_the_group_number_is_spared() -> None:
    bystander = await asyncio.create_subprocess_exec("sleep", "60", start_new_session=True)
    await end_tree(None, "AGOR_SPAWN=nobody", grace_seconds=0.1)
    assert bystander.returncode is None
    bystander.kill()
    await bystander.wait()
