"""The runner's own output stays within bounds and keeps its end."""

from __future__ import annotations

import os
from pathlib import Path

from agor_jupyter.runner.tidy import KEPT_BYTES, OUTPUT_BYTES, trim_output


def test_a_large_output_keeps_its_end(tmp_path: Path) -> None:
    path = tmp_path / "runner.log"
    path.write_bytes(b"old\n" * (OUTPUT_BYTES // 4) + b"newest\n")
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    trim_output(path)
    os.write(fd, b"later\n")
    os.close(fd)
    assert path.stat().st_size < KEPT_BYTES + 100
    assert path.read_bytes().endswith(b"newest\nlater\n")


def test_a_small_output_and_a_missing_one_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "runner.log"
    path.write_bytes(b"small\n")
    trim_output(path)
    assert path.read_bytes() == b"small\n"
    trim_output(tmp_path / "none")
