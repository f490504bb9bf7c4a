"""The sockets' folder is short and private, or it is refused."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agor_jupyter.domain.errors import RunnerLost
from agor_jupyter.executors.runtime import PATH_BYTES, runtime_folder, socket_path


@pytest.fixture
def short() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="agt-", dir="/tmp") as folder:
        yield Path(folder)


def test_the_folder_is_private(short: Path) -> None:
    folder = runtime_folder(str(short / "agor"))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    assert stat.S_IMODE(runtime_folder(str(folder)).stat().st_mode) == 0o700


def test_xdg_comes_first_when_it_can_be_used(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    assert runtime_folder() == short / "agor"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short / "not-there"))
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    assert runtime_folder() == short / f"agor-{os.getuid()}"


def test_a_long_temporary_folder_is_passed_over(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = short / ("x" * 90)
    long.mkdir()
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    assert runtime_folder() == Path("/tmp") / f"agor-{os.getuid()}"
    with pytest.raises(RunnerLost, match="no private folder") as caught:
        runtime_folder(str(long))
    assert "too long" in caught.value.hint


def test_a_trap_is_refused(short: Path) -> None:
    (short / "mine").mkdir()
    (short / "link").symlink_to(short / "mine")
    (short / "file").write_text("")
    for trap in ("link", "file"):
        with pytest.raises(RunnerLost):
            runtime_folder(str(short / trap))


def test_another_users_folder_is_refused(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = runtime_folder(str(short / "agor"))
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(RunnerLost) as caught:
        runtime_folder(str(folder))
    assert "another user" in caught.value.hint


def test_a_sockets_path_is_short_enough(short: Path) -> None:
    assert len(socket_path(short, "run_0123456789abcdef")) <= PATH_BYTES
    with pytest.raises(RunnerLost, match="too long"):
        socket_path(short, "r" * 100)
