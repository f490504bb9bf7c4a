"""How Codex is started: argv, environment, and the settings of one conversation from a `SessionSpec`.

docs/agents-codex.md lists what is set and what is not, and why.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from agor_jupyter.agents.base import SessionSpec
from agor_jupyter.agents.codex import mcp, probe
from agor_jupyter.domain.content import Attachment, Mode
from agor_jupyter.domain.errors import Unprocessable

APPROVAL: Mapping[str, str] = {"approvalPolicy": "on-request", "approvalsReviewer": "user"}
"""Codex asks a person whenever it wants out of its sandbox, or to apply a patch that it may not.
Without the reviewer it would ask a model."""

SANDBOXES: Mapping[Mode, Literal["read-only", "workspace-write"]] = {
    "ask": "read-only",
    "accept_edits": "read-only",
    "plan": "read-only",
    "full_auto": "workspace-write",
}
"""Our policy answers, so the sandbox stays closed wherever it could refuse or ask: a patch passes by an
approval. In full auto the worktree is open, which keeps commands *inside* the sandbox that would else
be allowed out of it. Never danger-full-access."""

FEATURES: Mapping[str, bool] = {
    "plugins": False,  # asks github.com and chatgpt.com at each start
    "apps": False,
    "remote_plugin": False,
    "multi_agent": False,  # a subagent's requests name another conversation
    "goals": False,  # begin turns that nobody asked for
    "hooks": False,  # may answer approvals before we are asked
    "memories": False,
    "shell_snapshot": False,  # writes the environment of a login shell to a file
    "tool_suggest": False,
    "skill_mcp_dependency_install": False,
    "default_mode_request_user_input": True,  # questions in every mode, not in plan mode alone
}
OVERRIDES: Mapping[str, str] = {
    "suppress_unstable_features_warning": "true",
    "check_for_update_on_startup": "false",
    "analytics.enabled": "false",
    "feedback.enabled": "false",
}
SHELL_MARKER = "AGOR_SHELL"
"""What each command carries, and neither Codex itself nor an MCP server: an interrupt ends by it."""


class Settings(BaseModel):
    """What `SessionSpec.options` may hold for this kind. What it does not know is left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    codex_home: str = ""
    network_access: bool = False
    """In full auto, commands within the sandbox reach the network."""
    web_search: Literal["disabled", "cached", "live"] = "disabled"


def settings_of(spec: SessionSpec) -> Settings:
    """Check the kind's own settings."""
    try:
        return Settings.model_validate(spec.options)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise Unprocessable(f"The Codex setting {name!r} is wrong: {first['msg']}.") from error


def argv_of(program: str, *, hold_key: bool) -> list[str]:
    """Give the command line. It holds no secret and nothing of one conversation.

    `hold_key`: a key is handed over by a call and kept in memory, never in the person's `auth.json`.
    """
    features = {f"features.{name}": str(value).lower() for name, value in FEATURES.items()}
    kept = {"cli_auth_credentials_store": '"ephemeral"'} if hold_key else {}
    values = {**features, **OVERRIDES, **kept}
    return [program, *(word for item in values.items() for word in ("-c", "=".join(item))), "app-server"]


def key_of(environment: Mapping[str, str], codex_home: Path, own: Collection[str] = ()) -> str:
    """Choose the key to log in with: none where the person has a login of their own.

    `own` names the variables that the session's owner has set: their key counts before the machine's login.
    """
    for name in probe.KEYS:
        if environment.get(name) and (name in own or name == "CODEX_API_KEY"):
            return environment[name]
    return "" if (codex_home / "auth.json").is_file() else environment.get("OPENAI_API_KEY", "")


def environment_of(spec: SessionSpec, codex_home: Path) -> dict[str, str]:
    """Give the whole environment of Codex. Makes a folder: run it in a thread."""
    environment = {
        "AGOR_SESSION": spec.session_id,
        **spec.environment,
        **mcp.variables_of(spec.mcp_servers, spec.environment),
        "CODEX_HOME": str(codex_home),
    }
    temporary = Path(environment.get("TMPDIR") or tempfile.gettempdir()).resolve()
    if codex_home.resolve().is_relative_to(temporary):
        # Codex makes no helper programs below a temporary folder, and says so. Some of its sandboxes
        # need them: then every command fails.
        own = Path(spec.state_dir) / "tmp"
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment["TMPDIR"] = str(own)
    return environment


def thread_params(
    spec: SessionSpec,
    *,
    mode: Mode,
    model: str,
    effort: str,
    shell_marker: str,
    repository_skills: Iterable[str],
    config: Mapping[str, Any],
) -> dict[str, Any]:
    """Give what a conversation is started, resumed or forked with. `config` is the person's own."""
    own = config.get("developer_instructions")
    told = "\n\n".join(part for part in (own, spec.system_append) if isinstance(part, str) and part)
    return {
        **APPROVAL,
        "cwd": spec.worktree,
        "sandbox": SANDBOXES[mode],
        "config": _settings(
            spec,
            effort=effort,
            shell_marker=shell_marker,
            repository_skills=repository_skills,
            servers=_names(config.get("mcp_servers")),
        ),
        **({"model": model} if model else {}),
        **({"developerInstructions": told} if told else {}),
    }


def _settings(
    spec: SessionSpec,
    *,
    effort: str,
    shell_marker: str,
    repository_skills: Iterable[str],
    servers: Iterable[str],
) -> dict[str, Any]:
    name, _, value = shell_marker.partition("=")
    found: dict[str, Any] = {
        # Said in any case: else Codex itself writes into the person's settings that this repository
        # is trusted, as soon as it may write there.
        "projects": {spec.worktree: {"trust_level": "trusted" if spec.trusted else "untrusted"}},
        "tools": {"update_plan": {"enabled": True}},
        "web_search": settings_of(spec).web_search,
        # Whole: with a narrower one of the person's own, our markers would not reach a command.
        "shell_environment_policy": {
            "inherit": "all",
            "include_only": [],
            "ignore_default_excludes": False,  # drops what is called …KEY…, …SECRET…, …TOKEN…
            "exclude": [*probe.KEYS, *spec.credentials, f"{mcp.HEADER_PREFIX}*"],
            # git's own variables are settings, no keys: half of them would make every git fail.
            "set": {name: value, **_git_settings(spec)},
        },
        "mcp_servers": mcp.settings_of(spec.mcp_servers, servers),
        "mcp_optional_startup_grace_ms": mcp.START_SECONDS * 1000,
    }
    if not spec.trusted:
        found["project_doc_max_bytes"] = 0
        found["skills"] = {"config": [{"path": path, "enabled": False} for path in repository_skills]}
    if effort:
        found["model_reasoning_effort"] = effort
    return found


def _git_settings(spec: SessionSpec) -> dict[str, str]:
    return {name: value for name, value in spec.environment.items() if name.startswith("GIT_CONFIG_")}


def turn_params(
    spec: SessionSpec, *, mode: Mode, model: str, effort: str, shown_plan: bool
) -> dict[str, Any]:
    """Give what holds from this turn on. `shown_plan`: Codex is in plan mode, or was until now."""
    found: dict[str, Any] = {**APPROVAL, "sandboxPolicy": sandbox_policy(spec, mode), "summary": "auto"}
    if model:
        found["model"] = model
    if effort:
        found["effort"] = effort
    if mode == "plan" or shown_plan:
        settings = {"model": model, "reasoning_effort": effort or None, "developer_instructions": None}
        found["collaborationMode"] = {"mode": "plan" if mode == "plan" else "default", "settings": settings}
    return found


def sandbox_policy(spec: SessionSpec, mode: Mode) -> dict[str, Any]:
    """Give the sandbox of a mode as a turn takes it."""
    if SANDBOXES[mode] == "read-only":
        return {"type": "readOnly", "networkAccess": False}
    return {
        "type": "workspaceWrite",
        "writableRoots": [],
        "networkAccess": settings_of(spec).network_access,
        "excludeSlashTmp": False,
        "excludeTmpdirEnvVar": False,
    }


def tools_of(spec: SessionSpec) -> list[dict[str, Any]]:
    """Give the house's tools as Codex offers them to the model."""
    return [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "inputSchema": dict(tool.parameters),
        }
        for tool in spec.tools
    ]


def input_of(text: str, attachments: Iterable[Attachment]) -> list[dict[str, Any]]:
    """Make the input of a turn: images as images, other files as text with their name."""
    found: list[dict[str, Any]] = []
    for item in attachments:
        if item.media_type.startswith("image/"):
            found.append({"type": "image", "url": f"data:{item.media_type};base64,{item.data}"})
        else:
            found.append(_words(f"File {item.name}:\n\n{item.data}"))
    return [*found, _words(text)]


def _words(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text, "text_elements": []}


def _names(servers: object) -> list[str]:
    return [str(name) for name in servers] if isinstance(servers, Mapping) else []
