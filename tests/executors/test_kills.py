"""What is killed at any moment loses nothing, doubles nothing and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from agor_jupyter.agents.process import marked
from agor_jupyter.domain.events import AgentMessageChunk, PermissionRequest, TurnEnded
from agor_jupyter.runner.host import RUN_MARKER
from agor_jupyter.runner.protocol import Frame
from tests.executors.conftest import Runners, new_task, until_end

ROOT = Path(__file__).resolve().parents[2]
TOKENS = 100_000  # far more than can be streamed before the last server stops it

SERVER = '''
"""A server in small: it commits each frame with its offset, as one line, before it asks for more."""
import asyncio, sys
from agor_jupyter.executors.base import Handle
from agor_jupyter.executors.local import LocalExecutor
from agor_jupyter.runner.protocol import RunnerSpec

async def main(folder, runtime, offset, task, stop):
    executor = LocalExecutor(runtime)
    saved = folder + "/handle.json"
    if task:
        handle = await executor.start(RunnerSpec.model_validate_json(open(folder + "/spec.json").read()))
        open(saved, "w").write(handle.model_dump_json())
    else:
        handle = Handle.model_validate_json(open(saved).read())
    link = await executor.connect(handle, int(offset))
    if task:
        await link.prompt(task, "stream TOKENS tokens at 1000/s", ())
    if stop:
        await link.interrupt()
    with open(folder + "/committed", "a") as committed:
        async for offset, frame in link.frames():
            committed.write(f"{offset} {frame.model_dump_json()}\\n")
            committed.flush()
            if frame.update.type == "turn_ended":
                return

asyncio.run(main(*sys.argv[1:]))
'''.replace("TOKENS", str(TOKENS))


def committed(folder: Path) -> list[tuple[int, Frame]]:
    """Read what was committed; what a kill tore never was."""
    path = folder / "committed"
    if not path.exists():
        return []
    whole, _, torn = path.read_text().rpartition("\n")
    if torn:
        path.write_text(whole + "\n")
    lines = [line.partition(" ") for line in whole.splitlines()]
    return [(int(offset), Frame.model_validate_json(text)) for offset, _, text in lines]


async def test_a_killed_server_sees_each_frame_exactly_once(runners: Runners) -> None:
    """Ten kills at random moments of one stream, among them of the server that started the runner."""
    from agor_jupyter.executors.base import Handle

    chance = random.Random(20261122)
    spec = runners.spec()
    folder = runners.folder
    (folder / "spec.json").write_text(spec.model_dump_json())
    runtime = str(runners.executor._runtime_dir)
    kills = 0
    while True:
        before = committed(folder)
        offset = before[-1][0] if before else 0
        task = "" if (folder / "handle.json").exists() else str(new_task())
        stop = "stop" if kills == 10 else ""
        arguments = [sys.executable, "-c", SERVER, str(folder), runtime, str(offset), task, stop]
        server = subprocess.Popen(arguments, env={**os.environ, "PYTHONPATH": str(ROOT)})
        await _wait_grown(folder, len(before), server)
        if not runners.handles:
            runners.handles.append(Handle.model_validate_json((folder / "handle.json").read_text()))
        if kills == 10:
            assert await asyncio.to_thread(server.wait, 60) == 0
            break
        await asyncio.sleep(chance.uniform(0, 0.1))
        server.send_signal(signal.SIGKILL)
        await asyncio.to_thread(server.wait)
        kills += 1
    frames = committed(folder)
    text = "".join(item.update.text for _, item in frames if isinstance(item.update, AgentMessageChunk))
    count = text.count(" ")
    assert count > 100
    assert text == "".join(f"tok{number} " for number in range(count))
    offsets = [offset for offset, _ in frames]
    assert offsets == sorted(set(offsets))
    assert sum(isinstance(item.update, TurnEnded) for _, item in frames) == 1
    assert await runners.executor.leftovers(runners.handles[0], 0) == frames


async def _wait_grown(folder: Path, count: int, server: subprocess.Popen[bytes]) -> None:
    async with asyncio.timeout(30):
        while len(committed_lines(folder)) <= count:
            assert server.poll() is None, "the server failed"
            await asyncio.sleep(0.01)


def committed_lines(folder: Path) -> list[str]:
    path = folder / "committed"
    return path.read_text().splitlines() if path.exists() else []


async def test_a_killed_runner_leaves_no_process_once_it_is_reaped(runners: Runners) -> None:
    escape = "setsid sleep 71 & (trap '' TERM; sleep 72) & nohup sleep 73 & sleep 74"
    handle, link = await runners.open()
    marker = f"{RUN_MARKER}={handle.run_id}"
    steps = json.dumps([{"run": {"argv": ["sh", "-c", escape], "ask": False}}])
    await link.prompt(new_task(), f"```demo\n{steps}\n```\n", ())
    async with asyncio.timeout(10):
        while sum(_is_sleep(pid) for pid in marked(marker)) < 4:
            await asyncio.sleep(0.02)
    os.kill(handle.pid, signal.SIGKILL)
    async for _ in link.frames():
        pass
    await link.disconnect()
    assert marked(marker), "nothing was left to be reaped: the test shows nothing"
    await runners.executor.reap(handle)
    async with asyncio.timeout(2):
        while marked(marker) or psutil.pid_exists(handle.pid):
            await asyncio.sleep(0.02)
    assert not Path(handle.socket_path).exists()
    await runners.executor.reap(handle)


def _is_sleep(pid: int) -> bool:
    try:
        return psutil.Process(pid).name() == "sleep"
    except psutil.Error:
        return False


async def test_the_direct_child_dies_with_its_runner(runners: Runners) -> None:
    """Without any server to reap: the kernel ends the command itself."""
    if sys.platform != "linux":
        return
    handle, link = await runners.open()
    steps = json.dumps([{"run": {"argv": ["sleep", "75"], "ask": False}}])
    await link.prompt(new_task(), f"```demo\n{steps}\n```\n", ())
    marker = f"{RUN_MARKER}={handle.run_id}"
    async with asyncio.timeout(10):
        while not any(_is_sleep(pid) for pid in marked(marker)):
            await asyncio.sleep(0.02)
    os.kill(handle.pid, signal.SIGKILL)
    async with asyncio.timeout(2):
        while marked(marker):
            await asyncio.sleep(0.02)
    await link.disconnect()


async def test_stalled_clients_stop_nobody_and_take_no_memory(runners: Runners) -> None:
    """Ten clients that attach and never read, while 26 MB are logged."""
    size, times = 256 * 1024, 104
    (runners.folder / "large.txt").write_text("x" * size)
    handle, link = await runners.open()
    stalled = []
    for _ in range(10):
        reader, writer = await asyncio.open_unix_connection(handle.socket_path, limit=1024)
        writer.write(b'{"type":"attach","id":1,"offset":0}\n')
        writer.transport.pause_reading()
        stalled.append((reader, writer))
    process = psutil.Process(handle.pid)
    before = process.memory_info().rss
    steps = json.dumps([{"repeat": {"times": times, "steps": [{"read": "large.txt"}]}}, {"run": ["true"]}])
    await link.prompt(new_task(), f"```demo\n{steps}\n```\n", ())
    async with asyncio.timeout(60):
        async for _, frame in link.frames():
            if isinstance(frame.update, PermissionRequest):
                break
    assert Path(handle.log_path).stat().st_size > 26 * 2**20
    grown = process.memory_info().rss - before
    assert grown < 32 * 2**20, f"the runner grew by {grown / 2**20:.0f} MB"
    begun = asyncio.get_running_loop().time()
    await link.interrupt()
    await until_end(link)
    assert asyncio.get_running_loop().time() - begun < 2
    for _, writer in stalled:
        writer.transport.abort()
    await link.disconnect()


async def test_no_secret_reaches_the_log_or_a_command_line(runners: Runners) -> None:
    secret = "canary-" + os.urandom(8).hex()
    spec = runners.spec()
    environment = {**spec.session.environment, "MODEL_API_KEY": secret}
    handle, link = await runners.open(session=spec.session.model_copy(update={"environment": environment}))
    show = "import os; print(len(os.environ['MODEL_API_KEY']))"
    steps = json.dumps([{"run": {"argv": ["{python}", "-c", show], "ask": False}}, {"run": ["sleep", "0.2"]}])
    await link.prompt(new_task(), f"```demo\n{steps}\n```\n", ())
    frames = await until_end(link, answer="allow_once")
    assert any("23" in str(frame.update) for _, frame in frames), "the command did not see its variable"
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert secret.encode() not in path.read_bytes(), path
        except OSError:
            continue
    for path in runners.folder.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path
    assert secret.encode() not in Path(f"/proc/{handle.pid}/environ").read_bytes()
    await link.disconnect()


async def test_a_wrong_spec_does_not_print_its_secrets(tmp_path: Path) -> None:
    text = json.dumps({"agent": "demo", "session": {"environment": {"KEY": "canary-77aa"}}})
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "agor_jupyter.runner"],
        input=text.encode(),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        timeout=30,
    )
    assert done.returncode == 2
    assert b"session_id" in done.stderr
    assert b"canary" not in done.stderr + done.stdout
