"""The demo's scratch folder goes, also where somebody still writes into it; one that was asked for stays."""

from __future__ import annotations

import argparse
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.cli import demo


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def run(act: Any, monkeypatch: pytest.MonkeyPatch, folder: str = "") -> int:
    monkeypatch.setattr(demo, "_run_in", lambda folder, _: act(folder))
    return demo.run(argparse.Namespace(folder=folder))


def test_it_goes_though_a_process_that_ends_writes_once_more(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove, tries = shutil.rmtree, []

    def late(folder: Path) -> None:
        tries.append(folder)
        if len(tries) == 1:
            raise OSError(39, "Directory not empty", str(folder))
        remove(folder)

    monkeypatch.setattr(shutil, "rmtree", late)
    assert run(lambda _: 0, monkeypatch) == 0
    assert (len(tries), list(scratch.iterdir())) == (2, [])


def test_what_cannot_be_removed_is_named(
    scratch: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def held(folder: Path) -> None:
        raise PermissionError(1, "Operation not permitted", str(folder))

    monkeypatch.setattr(shutil, "rmtree", held)
    monkeypatch.setattr(demo, "REMOVE_SECONDS", 0.01)
    assert run(lambda _: 0, monkeypatch) == 0
    (left,) = scratch.iterdir()
    assert f"could not be removed: [Errno 1] Operation not permitted: '{left}'" in capsys.readouterr().err


def test_a_second_signal_does_not_cut_the_removal_short(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove = shutil.rmtree

    def impatient(folder: Path) -> None:
        signal.raise_signal(signal.SIGINT)
        remove(folder)

    monkeypatch.setattr(shutil, "rmtree", impatient)
    assert run(lambda _: signal.raise_signal(signal.SIGTERM), monkeypatch) == 128 + signal.SIGTERM
    assert list(scratch.iterdir()) == []


def test_a_folder_that_was_asked_for_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = tmp_path / "deep" / "kept"
    assert run(lambda folder: 0 if folder == wanted else 1, monkeypatch, str(wanted)) == 0
    assert wanted.stat().st_mode & 0o777 == 0o700
