"""The small repository that the demo agent's default script works on.

It is real: a package with a bug, a test that fails because of it, a notebook and a data file.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from agor_jupyter.agents.process import allowed_environment
from agor_jupyter.domain.errors import GitFailed, GitMissing

BUG = "    return ordered[middle]  # the middle value\n"

_README = """# measurements

A few measurements of a spring, and what they say.

- `data/measurements.csv`: the numbers
- `stats/summary.py`: mean, median and spread of a list of numbers
- `analysis.ipynb`: the same, looked at
- `python -m unittest` runs the tests; one of them fails
"""

_SUMMARY = f'''"""A few words about a list of numbers."""

from collections.abc import Sequence


def mean(values: Sequence[float]) -> float:
    """Give the arithmetic mean."""
    return sum(values) / len(values)


def median(values: Sequence[float]) -> float:
    """Give the value that half of the others lie below."""
    ordered = sorted(values)
    middle = len(ordered) // 2
{BUG}

def spread(values: Sequence[float]) -> float:
    """Give the distance between the smallest and the largest value."""
    return max(values) - min(values)
'''

_TEST = '''"""What the summary of a list of numbers must be."""

import csv
import unittest
from pathlib import Path

from stats.summary import mean, median, spread

DATA = Path(__file__).parent.parent / "data" / "measurements.csv"


class SummaryTest(unittest.TestCase):
    def test_mean(self) -> None:
        self.assertEqual(mean([1, 2, 3, 4]), 2.5)

    def test_median_of_an_odd_count(self) -> None:
        self.assertEqual(median([3, 1, 2]), 2)

    def test_median_of_an_even_count(self) -> None:
        self.assertEqual(median([4, 1, 3, 2]), 2.5)

    def test_spread_of_the_measurements(self) -> None:
        with DATA.open(newline="") as file:
            lengths = [float(row["length_mm"]) for row in csv.DictReader(file)]
        self.assertAlmostEqual(spread(lengths), 24.5)


if __name__ == "__main__":
    unittest.main()
'''

_DATA = """load_g,length_mm
0,40.0
10,43.9
20,48.2
30,52.0
40,56.3
50,60.1
60,64.5
"""

_FILES = {
    ".gitignore": "__pycache__/\n.ipynb_checkpoints/\n",
    "stats/__init__.py": "",
    "tests/__init__.py": "",
    "stats/summary.py": _SUMMARY,
    "data/measurements.csv": _DATA,
    "README.md": _README,
}


def _cell(kind: str, cell_id: str, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": cell_id, "metadata": {}, "source": source}
    return cell if kind == "markdown" else {**cell, "execution_count": None, "outputs": []}


def _notebook() -> str:
    cells = [
        _cell("markdown", "title", "# The spring\n\nHow long is it under which load?"),
        _cell(
            "code",
            "load",
            "import csv\n\nwith open('data/measurements.csv', newline='') as file:\n"
            "    rows = list(csv.DictReader(file))\n"
            "lengths = [float(row['length_mm']) for row in rows]\nlengths",
        ),
        _cell(
            "code",
            "summary",
            "from stats.summary import mean, median, spread\n\n"
            "{'mean': mean(lengths), 'median': median(lengths), 'spread': spread(lengths)}",
        ),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1) + "\n"


def write_demo_repo(folder: str | Path) -> None:
    """Make the repository in `folder` (made when absent, else empty): branch `main`, three commits."""
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    _git(root, "init", "--quiet", "--initial-branch=main")
    _commit(root, _FILES, "Measure the spring", "2026-11-02T09:00:00+00:00")
    _commit(root, {"analysis.ipynb": _notebook()}, "Look at the numbers", "2026-11-03T10:30:00+00:00")
    _commit(
        root, {"tests/test_summary.py": _TEST}, "Say what the median must be", "2026-11-04T16:15:00+00:00"
    )


def _commit(root: Path, files: dict[str, str], subject: str, date: str) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    _git(root, "add", "--", *files)
    # Fixed dates and names: the same commits on every machine, so that pictures can be compared.
    _git(root, "commit", "--quiet", "--no-verify", f"--date={date}", f"--message={subject}", date=date)


def _git(root: Path, *arguments: str, date: str = "") -> None:
    settings = {
        "user.name": "Robin Hooke",
        "user.email": "robin@example.org",
        "commit.gpgsign": "false",
        "core.hooksPath": os.devnull,
        "init.defaultBranch": "main",
        "core.autocrlf": "false",
    }
    flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    environment = {**allowed_environment(os.environ), "GIT_CONFIG_NOSYSTEM": "1"}
    environment["GIT_CONFIG_GLOBAL"] = os.devnull
    if date:
        environment |= {"GIT_COMMITTER_DATE": date}
    command = ["git", *flags, *arguments]
    try:
        subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True, timeout=60)
    except FileNotFoundError as error:
        raise GitMissing("git is not installed.", hint="Install git.") from error
    except subprocess.CalledProcessError as error:
        raise GitFailed(error.stderr.decode(errors="replace").strip()) from error
