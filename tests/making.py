"""Real git repositories and small waits for the tests of the service and the server."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path


def git(folder: Path, *args: str) -> str:
    """Run git as a made-up person; give what it printed."""
    who = ["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *args], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def make_repo(folder: Path, name: str = "proj") -> Path:
    """Make a repository with one commit on `main`."""
    path = folder / name
    path.mkdir(parents=True)
    git(path, "init", "-q", "-b", "main")
    (path / "a.txt").write_text("one\n")
    git(path, "add", "a.txt")
    git(path, "commit", "-q", "-m", "First")
    return path.resolve()


async def wait_until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait for a condition; fail loudly when it does not come."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError("the condition did not come true in time")
        await asyncio.sleep(0.005)
