"""`scripts/demo` on a machine that lacks something: one sentence, and nothing made."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("bash", "cat", "cksum", "dirname", "find", "sort")


def a_machine(folder: Path, *, git: bool = True, python: str = "") -> Path:
    """Make a PATH that holds the plainest tools, and no more than what is asked for."""
    folder.mkdir()
    for name in (*TOOLS, *(("git",) if git else ())):
        found = shutil.which(name)
        assert found is not None, name
        (folder / name).symlink_to(found)
    if python:
        (folder / "python3").write_text(f"#!{folder}/bash\n{python}\n", encoding="utf-8")
        (folder / "python3").chmod(0o755)
    return folder


def run_demo(path: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(path), "HOME": str(path), "AGOR_VENV": str(path / "venv"), **more}
    argv = [str(path / "bash"), str(ROOT / "scripts" / "demo"), "--headless"]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=60)


def check_said(ran: subprocess.CompletedProcess[str], path: Path, package: str) -> None:
    assert ran.returncode == 1, (ran.returncode, ran.stderr)
    assert ran.stdout == ""
    (sentence,) = ran.stderr.splitlines()
    assert "needed: install it" in sentence
    assert package in sentence
    assert not (path / "venv").exists()


def test_without_git(tmp_path: Path) -> None:
    path = a_machine(tmp_path / "bin", git=False, python=f'exec {sys.executable} "$@"')
    check_said(run_demo(path), path, "apt-get install git")


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_with_a_python_that_makes_no_environments(tmp_path: Path, module: str) -> None:
    """Debian's python3 has `venv` and lacks `ensurepip` until python3-venv is there."""
    lacking = tmp_path / "lacking"
    lacking.mkdir()
    (lacking / f"{module}.py").write_text(f"raise ImportError('no {module}')\n", encoding="utf-8")
    path = a_machine(tmp_path / "bin", python=f'exec {sys.executable} "$@"')
    check_said(run_demo(path, PYTHONPATH=str(lacking)), path, "apt-get install python3-venv")


@pytest.mark.parametrize("python", ["", "exit 1"], ids=["none", "too old"])
def test_without_a_python_that_is_new_enough(tmp_path: Path, python: str) -> None:
    path = a_machine(tmp_path / "bin", python=python)
    check_said(run_demo(path), path, "python3 python3-venv")
