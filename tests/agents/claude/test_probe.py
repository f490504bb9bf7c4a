"""What Claude Code's probe tells a person to run: by its name, or by its path where no PATH has it."""

from __future__ import annotations

from pathlib import Path

from agor_jupyter.agents import registry
from agor_jupyter.agents.claude import probe
from tests.agents.claude.test_pure import ended


async def test_the_bundled_program_is_named_whole_where_no_path_has_one(tmp_path: Path) -> None:
    kind = registry.get("claude")
    environment = {"HOME": str(tmp_path), "PATH": str(tmp_path)}
    bundled = probe.find_cli(environment)
    assert bundled is not None and bundled.is_absolute()
    assert f"Run `{bundled}` in a terminal" in (await kind.probe(environment)).hint
    own = tmp_path / "claude"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    assert "Run `claude` in a terminal" in (await kind.probe(environment)).hint


def test_a_failed_login_names_it_too() -> None:
    for status, words in ((None, "Not logged in · Please run /login"), (401, "Unauthorized")):
        failed = ended(is_error=True, result=words, api_error_status=status, program="/opt/claude")
        assert "Run `/opt/claude` in a terminal" in failed.hint
