"""Runners as detached processes of this machine.

A runner is started in a session of its own, with no file of the server's open, so that the
server can be killed and the runner goes on. Where the sockets stand is `runtime`, and how one is
talked to is `link`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path

import psutil
from pydantic import ValidationError

import agor_jupyter
from agor_jupyter.agents.process import allowed_environment, end_tree
from agor_jupyter.domain.errors import AgentUnavailable, InvalidRequest, RunnerLost
from agor_jupyter.executors.base import Handle
from agor_jupyter.executors.link import LocalLink
from agor_jupyter.executors.runtime import runtime_folder, socket_path
from agor_jupyter.runner.host import OUTPUT_NAME, RUN_MARKER, SESSION_MARKER
from agor_jupyter.runner.log import read_file
from agor_jupyter.runner.protocol import Frame, RunnerEnded, RunnerSpec, tools_socket_path
from agor_jupyter.store.folder import make_private_path

START_SECONDS = 30.0
POLL_SECONDS = 0.01
START_TOLERANCE = 0.05
"""psutil derives times from clock ticks: the same process may differ by a tick or so."""

BOOT_TOLERANCE = 5.0
"""The boot time is whole seconds and follows the clock as it is corrected."""

TAIL_BYTES = 2000
ORPHANS_GRACE_SECONDS = 1.0
"""What a dead runner left is asked to end, too, but nobody hears its last words: people wait for its end."""


class LocalExecutor:
    """Starts, finds again and ends runners of this machine."""

    def __init__(self, runtime_dir: str | None = None) -> None:
        self._runtime_dir = runtime_dir

    def socket_path(self, run_id: str) -> str:
        """Name the socket of a run; makes its private folder."""
        return socket_path(runtime_folder(self._runtime_dir), run_id)

    async def start(self, spec: RunnerSpec) -> Handle:
        """Start a detached runner. An empty `spec.socket_path` is filled in."""
        if not spec.socket_path:
            spec = spec.model_copy(update={"socket_path": self.socket_path(spec.run_id)})
        process = await asyncio.to_thread(_launch, spec)
        _reap_in_background(process)
        try:
            await _wait_listening(spec, process)
            started = psutil.Process(process.pid).create_time()
        except psutil.NoSuchProcess as error:
            raise RunnerLost("The runner ended as it began.", hint=_tail(spec.log_path)) from error
        except (RunnerLost, AgentUnavailable, asyncio.CancelledError):
            await end_tree(process.pid, f"{RUN_MARKER}={spec.run_id}", grace_seconds=0.5)
            raise
        return Handle(
            run_id=spec.run_id,
            session_id=spec.session.session_id,
            pid=process.pid,
            started=started,
            boot=psutil.boot_time(),
            socket_path=spec.socket_path,
            log_path=spec.log_path,
        )

    async def is_alive(self, handle: Handle) -> bool:
        """Say whether exactly this process lives (a zombie does not)."""
        return _alive(handle)

    async def connect(self, handle: Handle, offset: int) -> LocalLink:
        """Attach after `offset`."""
        if not _alive(handle):
            raise RunnerLost("The runner is gone.", hint="Resume the session.")
        return await LocalLink.open(handle.socket_path, offset)

    async def leftovers(self, handle: Handle, offset: int) -> list[tuple[int, Frame]]:
        """Read what a dead runner logged after `offset`; nothing when its log is gone.

        Raises `InvalidRequest` when somebody changed it.
        """

        def read() -> list[tuple[int, Frame]]:
            try:
                lines = read_file(handle.log_path, offset)
            except FileNotFoundError:
                return []
            try:
                return [(end, Frame.model_validate_json(line)) for end, line in lines]
            except ValidationError as error:
                raise InvalidRequest("A line of the runner's log is none of its frames.") from error

        return await asyncio.to_thread(read)

    async def reap(self, handle: Handle) -> None:
        """End the runner's tree, then whatever carries its marker. Idempotent."""
        marker = f"{RUN_MARKER}={handle.run_id}"
        if _alive(handle):
            await end_tree(handle.pid, marker)
        else:
            await end_tree(None, marker, grace_seconds=ORPHANS_GRACE_SECONDS)
        for path in (handle.socket_path, tools_socket_path(handle.socket_path)):
            await asyncio.to_thread(Path(path).unlink, missing_ok=True)


def _launch(spec: RunnerSpec) -> subprocess.Popen[bytes]:
    folder = Path(spec.log_path).parent
    make_private_path(folder)
    # Not asyncio's subprocess: its transport kills the child when the loop is closed.
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    output = os.open(folder / OUTPUT_NAME, flags, 0o600)
    try:
        process = subprocess.Popen(
            _command(spec),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=_environment(spec),
            start_new_session=True,
            close_fds=True,
        )
    finally:
        os.close(output)
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # it died at once: `_wait_listening` tells why
            process.stdin.write(spec.model_dump_json().encode())
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    return process


def _command(spec: RunnerSpec) -> list[str]:
    """Name the run for who looks at a process list; all else goes through standard input."""
    return [sys.executable, "-P", "-m", "agor_jupyter.runner", spec.run_id]


def _environment(spec: RunnerSpec) -> dict[str, str]:
    """Give the runner's own environment: never the server's, for some agents inherit it."""
    environment = allowed_environment(os.environ)
    environment |= {RUN_MARKER: spec.run_id, SESSION_MARKER: spec.session.session_id}
    root = Path(agor_jupyter.__file__).resolve().parent.parent
    if str(root) not in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        environment["PYTHONPATH"] = str(root)
    return environment


def _reap_in_background(process: subprocess.Popen[bytes]) -> None:
    """Wait for the child in a thread, so that its end leaves no zombie.

    The child stays ours rather than being forked twice: in a container, process 1 is often one that
    never waits for orphans.
    """
    threading.Thread(target=process.wait, name=f"reap-{process.pid}", daemon=True).start()


async def _wait_listening(spec: RunnerSpec, process: subprocess.Popen[bytes]) -> None:
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        if process.returncode is not None:
            raise _died(spec)
        try:
            _, writer = await asyncio.open_unix_connection(spec.socket_path)
        except (FileNotFoundError, ConnectionRefusedError):
            await asyncio.sleep(POLL_SECONDS)
        else:
            writer.close()
            return
    raise RunnerLost(f"The runner did not listen within {START_SECONDS:.0f} s.", hint=_tail(spec.log_path))


def _died(spec: RunnerSpec) -> RunnerLost | AgentUnavailable:
    """Say why a runner ended before it listened: in its own words where it left some."""
    with contextlib.suppress(FileNotFoundError):
        for _, line in reversed(read_file(spec.log_path, 0)):
            update = Frame.model_validate_json(line).update
            if isinstance(update, RunnerEnded) and update.reason == "start_failed":
                return AgentUnavailable(update.error, hint=update.hint, capability=update.capability)
    return RunnerLost("The runner ended before it listened.", hint=_tail(spec.log_path))


def _tail(log_path: str) -> str:
    with contextlib.suppress(OSError):
        data = Path(log_path).with_name(OUTPUT_NAME).read_bytes()[-TAIL_BYTES:]
        return data.decode(errors="replace").strip()
    return ""


def _alive(handle: Handle) -> bool:
    """Compare the start as time since boot: that stays the same when the clock is set.

    When the boot time itself has moved, the clock was set or the machine began anew; the process's
    own marker tells which.
    """
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        boot = psutil.boot_time()  # first: older psutil keeps it for create_time
        process = psutil.Process(handle.pid)
        since_boot = process.create_time() - boot
        if abs(since_boot - (handle.started - handle.boot)) > START_TOLERANCE:
            return False
        if abs(boot - handle.boot) > BOOT_TOLERANCE and (process.environ().get(RUN_MARKER) != handle.run_id):
            return False
        return process.status() != psutil.STATUS_ZOMBIE
    return False
