"""Processes that agents start: a clean environment, a group of their own, and a sure end.

Not for the runner itself (the executor starts that one) and not for git.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import sys
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agor_jupyter.domain.errors import AgentUnavailable

ALLOWED = frozenset(
    {
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "LANG",
        "LANGUAGE",
        "TERM",
        "COLORTERM",
        "TMPDIR",
        "TZ",
        "SHELL",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "CONDA_DEFAULT_ENV",
    }
)
ALLOWED_PREFIXES = ("LC_", "XDG_")
FORBIDDEN_PREFIXES = ("JUPYTER", "JPY_", "AGOR_")
"""Never handed to an agent, even when a caller lists such a name in `extra`."""

STDERR_LINES = 200
SPAWN_MARKER = "AGOR_SPAWN"
SERVER_MARKER = "AGOR_MCP_SERVER"
"""Set to 1 for a person's MCP servers, which outlive the turn that began them."""
_PIPE_LIMIT = 64 * 2**20


def allowed_environment(source: Mapping[str, str], extra: Iterable[str] = ()) -> dict[str, str]:
    """Keep what an agent may see of `source`: the allow-list and the names in `extra`.

    An allow-list, because a deny-list forgets the secret that is invented tomorrow.
    """
    wanted = set(extra)

    def may(name: str) -> bool:
        if name.upper().startswith(FORBIDDEN_PREFIXES):
            return False
        return name.upper() in ALLOWED or name.startswith(ALLOWED_PREFIXES) or name in wanted

    return {name: value for name, value in source.items() if may(name)}


# A child asks the kernel to be killed with its parent, then becomes the command. A preexec_fn
# would run Python between fork and exec in a process that has threads, which can deadlock.
_GUARD = (
    "import ctypes,os,sys\n"
    "ctypes.CDLL(None,use_errno=True).prctl(1,9,0,0,0)\n"
    "os.getppid()==int(sys.argv[1]) or os._exit(137)\n"
    "try: os.execvp(sys.argv[2],sys.argv[2:])\n"
    "except OSError as error: sys.stderr.write(f'{sys.argv[2]}: {error.strerror}\\n'); os._exit(127)\n"
)


def guarded(argv: Sequence[str]) -> list[str]:
    """Wrap `argv` so that it dies when the calling process dies (Linux; elsewhere unchanged)."""
    if sys.platform != "linux":
        return list(argv)
    return [sys.executable, "-I", "-S", "-c", _GUARD, str(os.getpid()), *argv]


@dataclass
class Spawned:
    """A running command, its group leader, and the end of what it wrote to stderr."""

    process: asyncio.subprocess.Process
    marker: str
    _stderr: deque[str]
    _drain: asyncio.Task[None] | None

    @property
    def pid(self) -> int:
        return self.process.pid

    def stderr_tail(self) -> str:
        """Give the last lines of stderr (empty when it was joined to stdout)."""
        return "\n".join(self._stderr)

    async def end(self, *, grace_seconds: float = 3.0) -> int | None:
        """Close stdin, then SIGTERM and SIGKILL the whole tree. Idempotent; leaves no zombie."""
        stdin = self.process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.close()
        await end_tree(self.pid, self.marker, grace_seconds=grace_seconds)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await self.process.wait()
        if self._drain is not None:
            self._drain.cancel()
            await asyncio.gather(self._drain, return_exceptions=True)
        # The transport's pipes are closed here: an escapee that holds stdout would keep it open.
        transport = getattr(self.process, "_transport", None)
        if transport is not None:
            transport.close()
        return self.process.returncode


async def spawn(
    argv: Sequence[str],
    *,
    cwd: str,
    environment: Mapping[str, str],
    stdin: bool = False,
    merge_stderr: bool = False,
) -> Spawned:
    """Start `argv` in a session of its own. `environment` is the whole environment.

    Raises `AgentUnavailable` when the command is not there.
    """
    found = shutil.which(argv[0], path=environment.get("PATH"))
    if found is None and not (Path(cwd) / argv[0]).is_file():
        raise AgentUnavailable(f"The command {argv[0]!r} is not there.", hint="Install it or mend PATH.")
    marker = f"{SPAWN_MARKER}={secrets.token_hex(12)}"
    name, _, value = marker.partition("=")
    process = await asyncio.create_subprocess_exec(
        *guarded(argv),
        cwd=cwd,
        env={**environment, name: value},
        stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT if merge_stderr else asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=_PIPE_LIMIT,
    )
    ring: deque[str] = deque(maxlen=STDERR_LINES)
    drain = None if merge_stderr else asyncio.create_task(_drain(process, ring))
    return Spawned(process, marker, ring, drain)


async def _drain(process: asyncio.subprocess.Process, ring: deque[str]) -> None:
    """Read stderr for ever: a full pipe would stop the agent."""
    reader = process.stderr
    if reader is None:
        return
    rest = ""
    while data := await reader.read(65536):
        *lines, rest = (rest + data.decode(errors="replace")).split("\n")
        rest = rest[-4096:]
        ring.extend(line[:4096] for line in lines)
    if rest:
        ring.append(rest)


async def end_tree(pid: int | None, marker: str, *, grace_seconds: float = 3.0) -> None:
    """End a group, its descendants, and whoever carries `marker` in its environment.

    The marker finds what left the group by `setsid` and was adopted by init. Without a `pid` only
    the marker counts.
    """
    found = await asyncio.to_thread(_signal_tree, pid, marker, signal.SIGTERM, frozenset[int]())
    if not found:
        return
    deadline = asyncio.get_running_loop().time() + grace_seconds
    while asyncio.get_running_loop().time() < deadline:
        if not await asyncio.to_thread(_any_alive, pid, found):
            break
        await asyncio.sleep(0.01)
    # Once more by the marker: what was forked during the grace is not in `found`.
    await asyncio.to_thread(_signal_tree, pid, marker, signal.SIGKILL, frozenset(found))


def marked(marker: str) -> set[int]:
    """List the processes whose environment holds `marker` (`NAME=value`), zombies left out."""
    import psutil

    name, _, value = marker.partition("=")
    found: set[int] = set()
    if sys.platform == "linux":
        found |= {pid for pid in psutil.pids() if carries(pid, marker)}
    else:
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.environ().get(name) == value:
                    found.add(process.pid)
    return found


def carries(pid: int, marker: str) -> bool:
    """Say whether a process's environment holds `marker` (Linux). False for one that is gone."""
    try:
        return marker.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def ancestors_of(pid: int) -> set[int]:
    """List the parents of a process, as far as they live (Linux; elsewhere none are known)."""
    found: set[int] = set()
    try:
        while pid > 1 and pid not in found:
            stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
            pid = int(stat.rpartition(")")[2].split()[1])  # the name before it may hold anything
            found.add(pid)
    except OSError:
        return found
    return found


def _signal_tree(pid: int | None, marker: str, number: int, known: frozenset[int]) -> set[int]:
    import psutil

    victims = {other for other in known if psutil.pid_exists(other)} | marked(marker)
    if pid is not None:
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(pid)
            if root.status() != psutil.STATUS_ZOMBIE:
                victims |= {pid, *(child.pid for child in root.children(recursive=True))}
    victims -= {os.getpid(), 0, 1}
    if pid is not None and pid in victims:
        # Only while the leader is known to be ours: a group id can be used again.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)
    for victim in victims:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(victim, number)
    return victims


def _any_alive(pid: int | None, victims: set[int]) -> bool:
    import psutil

    for victim in victims | ({pid} if pid is not None else set()):
        with contextlib.suppress(psutil.Error):
            if psutil.Process(victim).status() != psutil.STATUS_ZOMBIE:
                return True
    return False
