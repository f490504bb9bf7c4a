"""Where things live: under the root that JupyterLab shows, or elsewhere and said so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agor_jupyter.extension.places import find_places


def test_worktrees_and_transcripts_stand_in_a_visible_folder_of_the_root(tmp_path: Path) -> None:
    places = find_places(str(tmp_path), "", "", "")
    assert places.paths.worktrees_root == tmp_path.resolve() / "agor" / "worktrees"
    assert places.paths.lab_path(str(tmp_path.resolve() / "agor" / "transcripts" / "a.ipynb"))
    assert places.note == ""
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_cannot_be_written_is_said_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    places = find_places(str(tmp_path / "root"), str(tmp_path / "data"), "", "")
    assert places.paths.worktrees_root.is_relative_to(tmp_path / "data")
    assert places.paths.lab_path(str(places.paths.worktrees_root / "tree")) is None
    assert "AgorApp.worktrees_dir" in places.note


def test_traits_move_each_folder(tmp_path: Path) -> None:
    places = find_places(str(tmp_path), str(tmp_path / "d"), str(tmp_path / "w"), str(tmp_path / "t"))
    paths = places.paths
    assert (paths.data_dir, paths.worktrees_root, paths.transcripts_root) == (
        tmp_path / "d",
        tmp_path / "w",
        tmp_path / "t",
    )
