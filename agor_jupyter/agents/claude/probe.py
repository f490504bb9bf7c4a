"""Whether Claude Code can be used here: looked up, never run and never imported."""

from __future__ import annotations

import importlib.util
import json
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from agor_jupyter.agents.base import Probe

INSTALL_HINT = (
    "Run `pip install 'agor-jupyter[claude]'` in the server's environment, then restart the server."
)
CLI_HINT = (
    "This platform has no bundled Claude Code (musl, or Windows on ARM): install it with "
    "`npm install -g @anthropic-ai/claude-code`."
)
KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")
CLOUDS = ("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY")
ALIASES = ("default", "opus", "sonnet", "haiku")
"""What the CLI itself resolves to its present models."""

EFFORTS = ("low", "medium", "high", "xhigh", "max")
"""What Claude Code takes. A model that does not know one works with what it knows."""


def look(environment: Mapping[str, str]) -> Probe:
    """Look for the package, its CLI and a login. Reads a few small files: run it in a thread."""
    package = package_dir()
    if package is None:
        return Probe(installed=False, hint=INSTALL_HINT)
    cli = find_cli(environment)
    if cli is None:
        return Probe(installed=False, hint=CLI_HINT)
    authenticated = is_authenticated(environment)
    return Probe(
        installed=True,
        version=version_of(cli),
        authenticated=authenticated,
        hint="" if authenticated else login_hint(program_of(environment)),
        models=ALIASES,
        default_model="default",
        efforts=EFFORTS,
    )


def package_dir() -> Path | None:
    """Find the SDK without importing it (that takes seconds)."""
    try:
        found = importlib.util.find_spec("claude_agent_sdk")
    except (ImportError, ValueError):
        return None
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent


def find_cli(environment: Mapping[str, str]) -> Path | None:
    """Find the bundled CLI, else one on the agent's own PATH."""
    package = package_dir()
    bundled = package / "_bundled" / "claude" if package is not None else None
    if bundled is not None and bundled.is_file():
        return bundled
    found = shutil.which("claude", path=environment.get("PATH"))
    return Path(found) if found else None


def program_of(environment: Mapping[str, str]) -> str:
    """Name what to run in a terminal: `claude` where that is found, else the bundled program, whole."""
    if shutil.which("claude", path=environment.get("PATH")):
        return "claude"
    return shlex.quote(str(find_cli(environment) or "claude"))


def login_hint(program: str = "claude") -> str:
    """Say how to log in. `program` comes from `program_of`."""
    return f"Run `{program}` in a terminal and `/login`, or set ANTHROPIC_API_KEY among your keys."


def version_of(cli: Path) -> str:
    """Read the version that is written beside the bundled CLI; another one's is not known."""
    try:
        return (cli.parent / "claude.version").read_text(encoding="utf-8").strip().split()[0]
    except (OSError, IndexError):
        return ""


def is_authenticated(environment: Mapping[str, str]) -> bool | None:
    """Say whether a key or a login is there. None: it may be where we cannot look."""
    if any(environment.get(name) for name in KEYS):
        return True
    if any(environment.get(name) for name in CLOUDS):
        return None
    if (_config_dir(environment) or _home(environment) / ".claude").joinpath(".credentials.json").is_file():
        return True
    if keeps_a_key(environment):
        return True
    return None if sys.platform == "darwin" else False  # macOS keeps the login in its key chain


def keeps_a_key(environment: Mapping[str, str]) -> bool:
    """Say whether the CLI's own login has left an API key in its file. Reads the disk."""
    account = (_config_dir(environment) or _home(environment)) / ".claude.json"
    try:
        kept = json.loads(account.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(kept, dict) and bool(kept.get("primaryApiKey"))


def _config_dir(environment: Mapping[str, str]) -> Path | None:
    named = environment.get("CLAUDE_CONFIG_DIR")
    return Path(named) if named else None


def _home(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("HOME") or Path.home())
