"""A home for Gemini CLI that is ours: its settings, its conversations, and the person's login by link.

Gemini CLI reads what it may do from `$GEMINI_CLI_HOME/.gemini/settings.json`. In the person's own home
that file may switch on telemetry, tool servers, hooks, or tools that run unasked. So it gets another
home, in the adapter's state folder; of the person's own, only the login is linked into it, and not even
that where the session's owner has set a key for themselves.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agor_jupyter.agents.base import SessionSpec

VARIABLES = (
    "GEMINI_API_KEY",
    "GEMINI_CLI_HOME",
    "GOOGLE_API_KEY",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_LOCATION",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_GEMINI_BASE_URL",
    "GOOGLE_GENAI_USE_GCA",
    "GOOGLE_GENAI_USE_VERTEXAI",
    "GOOGLE_VERTEX_BASE_URL",
)
"""What Gemini CLI may see of the server's environment beyond the common allow-list."""

LOGIN_FILES = ("oauth_creds.json", "google_accounts.json", "gemini-credentials.json", "installation_id")
OWN_METHODS = {"GEMINI_API_KEY": "gemini-api-key", "GOOGLE_API_KEY": "vertex-ai"}
"""How Gemini CLI logs in with each key that a person may have set, the first of them first."""
MACHINES = ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_GENAI_USE_GCA", "GOOGLE_GENAI_USE_VERTEXAI")
"""Variables of a login of the machine: no business of a session with a key of its owner's."""

KEPT = "-kept-"

SETTINGS: Mapping[str, Any] = {
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
    "general": {
        "enableAutoUpdate": False,
        "enableAutoUpdateNotification": False,
        # It tries ten times by itself, and says nothing meanwhile: minutes of silence at a rate limit.
        "maxAttempts": 3,
        "sessionRetention": {"enabled": False},  # its conversations are what `resume` needs
    },
    # In its interactive shell a command's output never reaches an ACP client.
    "tools": {"shell": {"enableInteractiveShell": False, "showColor": False}},
    # No extension may be added (`/extensions install` would wait for a consent that nobody can give).
    "security": {"folderTrust": {"enabled": True}, "allowedExtensions": ["^$"]},
    # A .env of the worktree is the project's, and its key may be somebody else's.
    "advanced": {"ignoreLocalEnv": True},
}


def prepare(spec: SessionSpec) -> Mapping[str, str]:
    """Make the home; give the variables that lead Gemini CLI there. Does I/O: run it in a thread."""
    folder = folder_of(spec)
    home = folder.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    own = own_method(spec)
    theirs = _person_folder(spec.environment)
    for name in LOGIN_FILES:
        _link(folder / name, None if own else theirs / name)
    for place in (folder / ".env", home / ".env"):  # read from the first when trusted, else the second
        _link(place, None if own else theirs / ".env")
    settings: dict[str, Any] = {**SETTINGS, "security": {**SETTINGS["security"]}}
    method = own or _login_method(spec.environment)
    if method:
        settings["security"]["auth"] = {"selectedType": method}
    if (most := spec.options.get("max_session_turns")) is not None:  # checked by `settings_of`
        settings["model"] = {"maxSessionTurns": int(most)}
    # Replaced as a whole: another session of this person may be reading it right now.
    fresh = folder / f"settings.{os.getpid()}"
    fresh.write_text(json.dumps(settings, indent=1), encoding="utf-8")
    fresh.replace(folder / "settings.json")
    if spec.native_ref:
        _keep_apart(folder, spec.native_ref)
    return {
        "GEMINI_CLI_HOME": str(home),
        "GEMINI_CLI_TRUST_WORKSPACE": "true" if spec.trusted else "false",
        **({name: "" for name in MACHINES if name in spec.environment} if own else {}),
    }


def folder_of(spec: SessionSpec) -> Path:
    """Say where Gemini CLI keeps its settings and its records for this person."""
    return Path(spec.state_dir) / "gemini-home" / ".gemini"


def records_of(folder: Path, native_ref: str) -> list[Path]:
    """Find the records of a conversation. Reads the disk."""
    return sorted(folder.glob(f"tmp/*/chats/session-*-{native_ref[:8]}.jsonl"))


def own_method(spec: SessionSpec) -> str:
    """Name how a key that the session's owner has set logs in: it counts before any login of the machine."""
    names = (name for name in OWN_METHODS if name in spec.credentials and spec.environment.get(name))
    return next((OWN_METHODS[name] for name in names), "")


def _keep_apart(folder: Path, native_ref: str) -> None:
    """Give the record of a conversation a name that Gemini CLI does not make itself.

    Before it loads a conversation it begins an empty record of the same id, in a file named by the
    minute. Within the minute in which the conversation began that is the same file, and the empty
    record wipes the conversation (0.61). It finds records by their id, whatever their name is.
    """
    short, found = native_ref[:8], records_of(folder, native_ref)
    if not any(KEPT in path.name for path in found):
        for path in found:
            path.rename(path.with_name(path.name.replace(f"-{short}.", f"{KEPT}{short}.")))


def logged_in(environment: Mapping[str, str]) -> bool | None:
    """Say whether a key or a login is there. None: it may be where we cannot look (Vertex)."""
    if environment.get("GEMINI_API_KEY"):
        return True
    if _is_on(environment.get("GOOGLE_GENAI_USE_VERTEXAI")) or environment.get("GOOGLE_API_KEY"):
        return None
    folder = _person_folder(environment)
    if (folder / "oauth_creds.json").is_file() or (folder / "gemini-credentials.json").is_file():
        return True
    return None if (folder / ".env").is_file() else False


def _login_method(environment: Mapping[str, str]) -> str:
    """Choose as Gemini CLI itself does: what the person chose in its own settings, else a variable."""
    try:
        kept = json.loads((_person_folder(environment) / "settings.json").read_text(encoding="utf-8"))
        chosen = kept["security"]["auth"]["selectedType"]
    except (OSError, ValueError, KeyError, TypeError):
        chosen = ""
    if isinstance(chosen, str) and chosen:
        return chosen
    if _is_on(environment.get("GOOGLE_GENAI_USE_GCA")):
        return "oauth-personal"
    if _is_on(environment.get("GOOGLE_GENAI_USE_VERTEXAI")):
        return "vertex-ai"
    if environment.get("GEMINI_API_KEY"):
        return "gemini-api-key"
    return "oauth-personal" if (_person_folder(environment) / "oauth_creds.json").is_file() else ""


def _person_folder(environment: Mapping[str, str]) -> Path:
    home = environment.get("GEMINI_CLI_HOME") or environment.get("HOME")
    return (Path(home) if home else Path.home()) / ".gemini"


def _link(place: Path, target: Path | None) -> None:
    """Link a file of the person's, or take away a link whose file has gone, or is not to be used (None)."""
    if place.is_symlink() and (target is None or place.readlink() != target):
        place.unlink(missing_ok=True)
    if target is None or place.is_symlink() or place.exists() or not target.is_file():
        return
    try:
        place.symlink_to(target)
    except FileExistsError:
        return  # another session of this person was first


def _is_on(value: str | None) -> bool:
    return (value or "").strip().lower() in ("1", "true")
