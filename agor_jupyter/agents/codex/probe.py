"""Whether Codex can be used here: looked up, never run and never imported.

What only a probe needs is imported there: a runner uses `find_program` alone.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agor_jupyter.agents.base import Probe

DISTRIBUTION = "openai-codex-cli-bin"
INSTALL_HINT = "Run `pip install 'agor-jupyter[codex]'` in the server's environment, then restart the server."
KEYS = ("CODEX_API_KEY", "OPENAI_API_KEY")
"""Keys of OpenAI itself, in the order in which they are taken."""

EFFORTS = ("low", "medium", "high", "xhigh", "max", "ultra")
"""Those of the models in the catalogue that the program brings. Which a model knows is told once it runs."""


def look(environment: Mapping[str, str]) -> Probe:
    """Look for the program and a login. Reads a few small files: run it in a thread."""
    program = find_program(environment)
    if program is None:
        return Probe(installed=False, hint=INSTALL_HINT)
    config = config_of(environment)
    authenticated = is_authenticated(environment, config)
    return Probe(
        installed=True,
        version=version_of(program),
        authenticated=authenticated,
        hint=login_hint(program) if authenticated is False else "",
        default_model=str(config.get("model") or ""),
        efforts=EFFORTS,
    )


def login_hint(program: Path | str = "codex") -> str:
    """Say how to log in. The bundled program is not on PATH, so it is named whole."""
    return f"Run `{program} login` in a terminal, or set OPENAI_API_KEY among your keys."


def bundled_program() -> Path | None:
    """Find the program of the pinned package, without importing it."""
    try:
        found = importlib.util.find_spec("codex_cli_bin")
    except (ImportError, ValueError):
        return None
    if found is None or found.origin is None:
        return None
    program = Path(found.origin).parent / "bin" / "codex"
    return program if program.is_file() else None


def find_program(environment: Mapping[str, str]) -> Path | None:
    """Find the bundled program, else one on the agent's own PATH."""
    if (bundled := bundled_program()) is not None:
        return bundled
    found = shutil.which("codex", path=environment.get("PATH"))
    return Path(found) if found else None


def version_of(program: Path) -> str:
    """Read the version of the bundled program; another one's is not known without running it."""
    if program != bundled_program():
        return ""
    from importlib import metadata

    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return ""


def home_of(environment: Mapping[str, str], named: str = "") -> Path:
    """Find where Codex keeps logins, settings and conversations."""
    given = named or environment.get("CODEX_HOME")
    home = environment.get("HOME") or str(Path.home())
    return Path(given) if given else Path(home) / ".codex"


def config_of(environment: Mapping[str, str]) -> dict[str, Any]:
    """Read the person's own settings; what cannot be read is empty (Codex itself says why)."""
    import tomllib

    try:
        text = (home_of(environment) / "config.toml").read_text(encoding="utf-8")
        return tomllib.loads(text)
    except (OSError, ValueError):
        return {}


def is_authenticated(environment: Mapping[str, str], config: Mapping[str, Any]) -> bool | None:
    """Say whether a key or a login is there. None: it may be where we cannot look."""
    provider = str(config.get("model_provider") or "openai")
    if provider != "openai":
        providers = config.get("model_providers")
        settings = providers.get(provider) if isinstance(providers, Mapping) else None
        name = settings.get("env_key") if isinstance(settings, Mapping) else None
        return bool(environment.get(str(name))) if name else None
    if any(environment.get(name) for name in KEYS):
        return True
    if (home_of(environment) / "auth.json").is_file():
        return True
    return None if config.get("cli_auth_credentials_store") in ("keyring", "auto") else False
