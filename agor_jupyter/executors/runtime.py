"""Where the sockets of runners stand: a short, private folder. Not for anything that must last."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from agor_jupyter.domain.errors import RunnerLost

PATH_BYTES = 100
"""A socket's path holds 104 bytes on macOS and 108 on Linux, with the closing NUL."""

_LONGEST_NAME = len("/run_0123456789abcdef.sock.t")


def runtime_folder(configured: str | None = None) -> Path:
    """Make and check the folder: `configured`, else under XDG_RUNTIME_DIR, else the temp folder.

    A folder that another user could have made is refused: they could serve its sockets.
    """
    refusals: list[str] = []
    for candidate in _candidates(configured):
        if len(os.fsencode(candidate)) + _LONGEST_NAME > PATH_BYTES:
            refusals.append(f"{candidate}: the path is too long for a socket")
            continue
        refusal = _prepare(candidate)
        if not refusal:
            return candidate
        refusals.append(f"{candidate}: {refusal}")
    raise RunnerLost(
        "There is no private folder for the runners' sockets.", hint="; ".join(refusals) or "Set one."
    )


def socket_path(folder: Path, run_id: str) -> str:
    path = folder / f"{run_id}.sock"
    if len(os.fsencode(path)) > PATH_BYTES:
        raise RunnerLost(f"The socket's path {path} is too long.", hint="Choose a shorter runtime folder.")
    return str(path)


def _candidates(configured: str | None) -> list[Path]:
    if configured:
        return [Path(configured)]
    name = f"agor-{os.getuid()}"
    found = [Path(tempfile.gettempdir()) / name, Path("/tmp") / name]  # noqa: S108  (checked below)
    xdg = os.environ.get("XDG_RUNTIME_DIR")
    return [Path(xdg) / "agor", *found] if xdg else found


def _prepare(folder: Path) -> str:
    """Make the folder and say why it cannot be trusted, or nothing."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        return str(error.strerror)
    if not stat.S_ISDIR(found.st_mode):
        return "not a folder"
    if found.st_uid != os.getuid():
        return "it belongs to another user"
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)
    return ""
