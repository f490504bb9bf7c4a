"""The caps of the style: a file ≤ 400 lines, a function ≤ 60, an `__init__.py` or `index.ts` ≤ 40."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("agor_jupyter", "tests", "benchmarks", "scripts", "labextension/src")
GENERATED = ("labextension/src/schema/", "agor_jupyter/labextension/")


def sources(*endings: str) -> list[Path]:
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in endings]
    return [path for path in found if not str(path.relative_to(ROOT)).startswith(GENERATED)]


def cap(path: Path) -> int:
    return 40 if path.name in ("__init__.py", "index.ts") else 400


@pytest.mark.parametrize("ending", [".py", ".ts", ".tsx"])
def test_no_file_is_over_its_cap(ending: str) -> None:
    paths = sources(ending)
    assert paths
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    over = {str(path.relative_to(ROOT)): count for path, count in lines.items() if count > cap(path)}
    assert over == {}


def test_no_function_is_over_its_cap() -> None:
    over = {}
    for path in sources(".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > 60:
                    over[f"{path.relative_to(ROOT)}:{node.name}"] = length
    assert over == {}


def test_no_module_is_called_utils() -> None:
    banned = {"utils", "helpers", "common", "misc"}
    assert [path for path in sources(".py", ".ts", ".tsx") if path.stem in banned] == []


def test_every_module_says_what_it_is_for() -> None:
    empty = [
        str(path.relative_to(ROOT))
        for path in sources(".py")
        if path.read_text(encoding="utf-8").strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert empty == []
