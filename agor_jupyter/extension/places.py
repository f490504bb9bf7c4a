"""Where things live: data, worktrees, transcripts, from the traits and what the disk allows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from jupyter_core.paths import jupyter_data_dir

from agor_jupyter.service.house import Paths


@dataclass(frozen=True)
class Places:
    """The folders of one server, and what a person should know about them."""

    paths: Paths
    note: str = ""


def find_places(root_dir: str, data_dir: str, worktrees_dir: str, transcripts_dir: str) -> Places:
    """Choose the folders; makes none.

    Worktrees and transcripts stand under `root_dir` in a visible folder, so that JupyterLab opens
    them. Where `root_dir` cannot be written, they stand in the data folder, and the note says so.
    """
    root = Path(root_dir).expanduser().resolve()
    data = Path(data_dir).expanduser().resolve() if data_dir else Path(jupyter_data_dir()) / "agor"
    visible, note = root / "agor", ""
    if not (worktrees_dir and transcripts_dir) and not os.access(_nearest(visible), os.W_OK):
        visible = data / "files"
        note = (
            f"{root} cannot be written: worktrees and transcripts are kept in {visible}, which JupyterLab "
            "does not show. Set AgorApp.worktrees_dir and AgorApp.transcripts_dir to move them."
        )
    paths = Paths(
        data_dir=data,
        worktrees_root=_chosen(worktrees_dir, visible / "worktrees"),
        transcripts_root=_chosen(transcripts_dir, visible / "transcripts"),
        root_dir=root,
    )
    return Places(paths, note)


def _nearest(folder: Path) -> Path:
    """Give the folder itself, or the nearest one above that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _chosen(trait: str, default: Path) -> Path:
    return Path(trait).expanduser().resolve() if trait else default
