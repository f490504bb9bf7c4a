"""What an agent names is looked at before anybody allowed anything: it must neither hold nor fill us."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from agor_jupyter.agents.places import place_of
from agor_jupyter.agents.words import MOST_BYTES, words_of


def test_a_text_is_read_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("wörds\r\n", newline="")
    (tmp_path / "link").symlink_to("a")
    assert words_of(tmp_path / "link") == "wörds\r\n"


@pytest.mark.parametrize("data", [b"\xff", b"x" * (MOST_BYTES + 1)])
def test_what_cannot_be_shown_is_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a").write_bytes(data)
    assert words_of(tmp_path / "a") is None


@pytest.mark.parametrize("path", ["/dev/zero", "/proc/self", "/nowhere", "a\0b", "\ud800"])
def test_a_device_is_not_read(path: str) -> None:
    assert words_of(Path(path)) is None


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    late: list[Path] = []

    def free() -> None:
        late.append(pipe)
        os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))

    watchdog = threading.Timer(20.0, free)
    watchdog.start()
    assert words_of(pipe) is None
    watchdog.cancel()
    assert late == []


def test_a_place_keeps_the_worktrees_name_and_is_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "tree").symlink_to("real")
    tree = str(tmp_path / "tree")
    (tmp_path / "real" / "out").symlink_to("../elsewhere")
    (tmp_path / "real" / "loop").symlink_to("loop")
    assert place_of(f"{tree}/a/../b", tree) == f"{tree}/b"
    assert place_of(f"{tmp_path}/real/b", tree) == f"{tree}/b"
    assert place_of(f"{tree}/out/b", tree) == f"{tmp_path}/elsewhere/b"
    assert place_of(f"{tree}/loop/b", tree) == f"{tree}/loop/b"
    assert place_of(f"{tree}/loop/../../b", tree) == f"{tmp_path}/b"
    with pytest.raises(ValueError, match="null byte"):
        place_of(f"{tree}/a\0", tree)
