"""Whether an ACP agent can be used here: looked up, never run and never imported."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from agor_jupyter.agents.acp.presets import PACKAGE_HINT, Preset
from agor_jupyter.agents.acp.settings import Settings
from agor_jupyter.agents.base import Probe

PACKAGE_DEPTH = 4
"""How far above a program its `package.json` may stand."""


def look(preset: Preset, settings: Settings, environment: Mapping[str, str]) -> Probe:
    """Look for the package, the command and a login. Reads a few small files: run it in a thread."""
    if not package_is_there():
        return Probe(installed=False, hint=PACKAGE_HINT)
    command = settings.command or preset.command
    if not command:
        return Probe(installed=False, hint=preset.install_hint)
    program = shutil.which(command[0], path=environment.get("PATH"))
    if program is None:
        hint = preset.install_hint if command == preset.command else ""
        return Probe(installed=False, hint=hint or f"The command {command[0]!r} is not on the server's PATH.")
    authenticated = preset.logged_in(environment) if preset.logged_in is not None else None
    return Probe(
        installed=True,
        version=version_of(Path(program)),
        authenticated=authenticated,
        hint=preset.login_hint if authenticated is False else "",
        models=preset.models,
        default_model=preset.models[0] if preset.models else "",
    )


def package_is_there() -> bool:
    """Find the protocol's package without importing it (that takes a second)."""
    try:
        return importlib.util.find_spec("acp") is not None
    except (ImportError, ValueError):
        return False


def version_of(program: Path) -> str:
    """Read the version of a program that npm installed; another one's is not known."""
    for folder in list(program.resolve().parents)[:PACKAGE_DEPTH]:
        try:
            package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        return str(package.get("version", "")) if isinstance(package, dict) and package.get("bin") else ""
    return ""
