"""Find the Jupyter server that this process belongs to, and a token for it.

In this order, the first that answers: what the server put into the kernel's environment; the hub's
variables; the runtime files of servers on this machine (the one that started this process first,
then those whose folder holds the working directory). A person's `%agor connect` comes before all.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agor_jupyter.client.api import Api
from agor_jupyter.client.errors import ClientError, NoServer
from agor_jupyter.client.http import Http, parse_url

PROBE_SECONDS = 5.0
INJECTED = "the kernel's environment"


@dataclass(frozen=True)
class Server:
    """A server that may be ours. `how` says in words how it was found."""

    url: str
    token: str = field(repr=False)
    how: str = ""


def candidates(env: Mapping[str, str], cwd: Path, runtime: Path) -> list[Server]:
    """List the servers to try, best first."""
    found = [*_injected(env), *_hub(env), *_running(env, cwd, runtime)]
    unique: dict[tuple[str, str], Server] = {}
    for server in found:
        unique.setdefault((server.url, server.token), server)
    return list(unique.values())


def _injected(env: Mapping[str, str]) -> list[Server]:
    url, token = env.get("AGOR_JUPYTER_URL", ""), env.get("AGOR_JUPYTER_TOKEN", "")
    return [Server(url, token, INJECTED)] if url and token else []


def _hub(env: Mapping[str, str]) -> list[Server]:
    url, token = env.get("JUPYTERHUB_SERVICE_URL", ""), env.get("JUPYTERHUB_API_TOKEN", "")
    # The hub writes the address to listen on: all interfaces are reached through this one.
    url = url.replace("://0.0.0.0", "://127.0.0.1").replace("://[::]", "://[::1]")
    return [Server(url, token, "JupyterHub's environment")] if url.startswith("http") and token else []


def _running(env: Mapping[str, str], cwd: Path, runtime: Path) -> list[Server]:
    parent = env.get("JPY_PARENT_PID", "")
    ranked: list[tuple[int, int, Server]] = []
    for path in sorted(runtime.glob("jpserver-*.json")):
        info = _read(path)
        pid, url = info.get("pid"), info.get("url")
        if not isinstance(pid, int) or not isinstance(url, str) or not url.startswith("http"):
            continue
        if not _alive(pid):
            continue
        root = info.get("root_dir")
        inside = isinstance(root, str) and bool(root) and cwd.is_relative_to(root)
        if str(pid) == parent:
            rank = 0
        elif inside:
            rank = 1
        else:
            continue  # another project's server: never prompt an agent there by accident
        server = Server(url, str(info.get("token") or ""), f"runtime file {path.name}")
        ranked.append((rank, -len(str(root)), server))
    return [server for _, _, server in sorted(ranked, key=lambda item: item[:2])]


def _read(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def runtime_dir(env: Mapping[str, str], home: Path, platform: str = sys.platform) -> Path:
    """Name Jupyter's runtime folder as jupyter_core does."""
    if env.get("JUPYTER_RUNTIME_DIR"):
        return Path(env["JUPYTER_RUNTIME_DIR"])
    if env.get("JUPYTER_DATA_DIR"):
        return Path(env["JUPYTER_DATA_DIR"]) / "runtime"
    if platform == "darwin":
        return home / "Library" / "Jupyter" / "runtime"
    data = env.get("XDG_DATA_HOME")
    return (Path(data) if data else home / ".local" / "share") / "jupyter" / "runtime"


def find_servers() -> list[Server]:
    """List the servers that this process may belong to, by its environment and files."""
    return candidates(os.environ, Path.cwd(), runtime_dir(os.environ, Path.home()))


def connect(servers: Sequence[Server]) -> Api:
    """Give the first server that answers and lets us in. Raises `NoServer`, naming what was tried."""
    tried: list[str] = []
    for server in servers:
        try:
            address, inside = parse_url(server.url)
            api = Api(Http(address, server.token or inside))
            api.me(timeout=PROBE_SECONDS)
        except ClientError as error:
            tried.append(f"{server.how}: {error.detail}")
            if server.how == INJECTED and error.status in (401, 403):
                break  # the server is there and refuses: another token would act as somebody else
            continue
        return api
    if not tried:
        raise NoServer(
            "No Jupyter server with agor-jupyter was found.", hint="Use `%agor connect URL TOKEN`."
        )
    raise NoServer(f"No server lets us in: {' '.join(tried)}", hint="Use `%agor connect URL TOKEN`.")
