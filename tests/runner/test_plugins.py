"""What a runner does without: there is one for each session."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

CENSUS = """
import json, sys
{before}
from agor_jupyter.runner.__main__ import main
assert main() == 2  # the spec is empty; all that a runner imports before its agent is there
from agor_jupyter.agents import registry
registry.get({kind!r}).make()
print(json.dumps(sorted(sys.modules)))
"""

PLUGIN = """
class _Plugin:
    def new_schema_validator(self, *args):
        return None, None, None

plugin = _Plugin()
"""


def modules_of(kind: str, *, more_path: str = "", before: str = "") -> set[str]:
    """Start as a runner does, as far as its agent's adapter; give the names of what is imported."""
    root = str(Path(__file__).parents[2])
    found = subprocess.run(
        [sys.executable, "-P", "-c", CENSUS.format(kind=kind, before=before)],
        input="{}",
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, more_path]))},
    )
    return set(json.loads(found.stdout))


def test_a_runner_knows_nothing_of_what_is_installed() -> None:
    """Neither its modules nor what they bring; nor the server's rooms, nor another kind's."""
    found = modules_of("codex")
    assert {"pydantic", "agor_jupyter.runner.host", "agor_jupyter.agents.codex.connection"} <= found
    unwanted = {"importlib.metadata", "email", "zipfile", "csv", "tomllib", "sqlite3", "jinja2", "tornado"}
    rooms = {"store", "git", "engine", "service", "server", "executors", "extension", "agents.acp"}
    assert not found & (unwanted | {f"agor_jupyter.{room}" for room in rooms})


def test_no_plugin_of_pydantics_is_in_a_runner(tmp_path: Path) -> None:
    (tmp_path / "stranger.py").write_text(PLUGIN)
    info = tmp_path / "stranger-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[pydantic]\nstranger = stranger:plugin\n")
    assert "stranger" not in modules_of("demo", more_path=str(tmp_path))
    # With those modules there already, pydantic does as it always does: so the plugin is one.
    assert "stranger" in modules_of("demo", more_path=str(tmp_path), before="import importlib.metadata")


def test_another_way_of_asking_is_left_alone() -> None:
    """A loader that wants of `importlib.metadata` what nobody knows today finds the real one."""
    before = "from agor_jupyter.runner import plugins; plugins.ASKED = ()"
    found = modules_of("demo", before=before)
    assert {"importlib.metadata", "pydantic.plugin._loader"} <= found
