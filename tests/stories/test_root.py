"""A root folder that lies in a repository: our folders stay out of it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from tests.stories.conftest import Server, wait_until

Make = Callable[..., Server]


def test_our_folders_stay_out_of_the_repository_that_the_root_lies_in(make_server: Make) -> None:
    server = make_server()
    server.stop()
    subprocess.run(["git", "init", "-q", str(server.root)], check=True, timeout=30)
    server.start()
    exclude = server.root / ".git" / "info" / "exclude"
    wait_until(lambda: "agor" in exclude.read_text(encoding="utf-8"), 30)
    server.worktree("tree")
    status = subprocess.run(
        ["git", "status", "--porcelain"],
        cwd=server.root,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert "agor" not in status.stdout
