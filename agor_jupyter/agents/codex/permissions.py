"""Codex's approval requests as requests of the house, and the house's decisions as its answers.

Pure but for `look`: the paths that a request names are resolved, and the files are read, so that
what is asked about is what will be touched (run it in a thread).
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agor_jupyter.agents.base import Decision
from agor_jupyter.agents.clip import clip_input
from agor_jupyter.agents.codex import tools
from agor_jupyter.agents.codex.questions import answers_of, form_of, questions_of
from agor_jupyter.agents.codex.translate import diffs_of
from agor_jupyter.agents.places import place_of
from agor_jupyter.agents.words import words_of
from agor_jupyter.domain.content import PermissionOption, ToolContent, ToolKind, ToolLocation
from agor_jupyter.domain.events import PermissionRequest
from agor_jupyter.domain.ids import RequestId, ToolCallId

COMMAND = "item/commandExecution/requestApproval"
CHANGE = "item/fileChange/requestApproval"
PERMISSIONS = "item/permissions/requestApproval"
ELICITATION = "mcpServer/elicitation/request"
USER_INPUT = "item/tool/requestUserInput"
METHODS = frozenset({COMMAND, CHANGE, PERMISSIONS, ELICITATION, USER_INPUT})

OPTIONS = (
    PermissionOption(option_id="allow_once", name="Allow once", kind="allow_once"),
    PermissionOption(option_id="allow_always", name="Always for this session", kind="allow_always"),
    PermissionOption(option_id="reject_once", name="Reject", kind="reject_once"),
)
_VOLATILE = ("startedAtMs", "threadId", "turnId", "itemId", "approvalId")


@dataclass(frozen=True)
class Seen:
    """What `look` found: where the paths really lead, and what the files say now (None: not shown)."""

    locations: tuple[ToolLocation, ...] = ()
    texts: Mapping[str, str | None] = field(default_factory=dict)


def look(paths: Sequence[str], worktree: str) -> Seen:
    """Resolve paths (links too) and read the files. Reads the disk: run it in a thread."""
    found: dict[str, None] = {}
    texts: dict[str, str | None] = {}
    for path in paths:
        whole = posixpath.join(worktree, path)
        found[place_of(whole, worktree)] = None
        texts[path] = words_of(Path(whole))
    return Seen(tuple(ToolLocation(path=path) for path in found), texts)


def request_of(
    request_id: RequestId,
    method: str,
    params: Mapping[str, Any],
    item: tools.Item | None,
    seen: Seen,
    worktree: str,
    problems: Sequence[str] = (),
) -> PermissionRequest:
    """Build the request that a person, or the policy, decides on. `item` is the call, if it is known.

    `problems` say why a form is asked again.
    """
    questions = questions_of(method, params)
    call = item or {}
    if questions and method == ELICITATION:
        known = ToolCallId(str(call["id"])) if call.get("id") else None
        return form_of(params).request(request_id, known, problems)
    content: tuple[ToolContent, ...] = ()
    if method == CHANGE:
        content = diffs_of(call, seen.texts, worktree, applied=False)
    key = params.get("itemId") or call.get("id")
    return PermissionRequest(
        request_id=request_id,
        tool_call_id=ToolCallId(str(key)) if key and item is not None else None,
        title=_title(method, params, call, worktree),
        description=_description(method, params),
        kind=_kind(method, call),
        input=_input(method, params, call),
        locations=seen.locations,
        content=content,
        options=() if questions else OPTIONS,
        questions=questions,
        digest=digest_of(method, params, call),
    )


def digest_of(method: str, params: Mapping[str, Any], item: tools.Item) -> str:
    """Name exactly what is asked: the sha-256 of the request, and of the change that it is about."""
    asked = {name: value for name, value in params.items() if name not in _VOLATILE}
    whole = json.dumps(
        [method, asked, tools.changes_of(item), item.get("arguments")], sort_keys=True, default=str
    )
    return hashlib.sha256(whole.encode(errors="surrogatepass")).hexdigest()


def response_of(
    method: str, params: Mapping[str, Any], request: PermissionRequest, decision: Decision
) -> dict[str, Any]:
    """Translate a decision. What is not clearly allowed is declined; the turn goes on.

    *Always* is not passed on: our policy remembers it, and so can forget it (in plan mode, say). What
    Codex remembers itself would run where nobody was asked and no log saw it.
    """
    if request.questions:
        return answers_of(method, params, decision)
    option = next((item for item in request.options if item.option_id == decision.option_id), None)
    allowed = decision.outcome == "selected" and option is not None and option.kind.startswith("allow")
    match method:
        case "mcpServer/elicitation/request":
            return {"action": "accept", "content": {}} if allowed else {"action": "decline"}
        case "item/permissions/requestApproval":
            return {"permissions": dict(params.get("permissions") or {}) if allowed else {}, "scope": "turn"}
        case _:
            return {"decision": "accept" if allowed else "decline"}


def withdrawn_response(method: str) -> dict[str, Any]:
    """Answer a request that nobody will decide any more."""
    match method:
        case "mcpServer/elicitation/request":
            return {"action": "cancel"}
        case "item/permissions/requestApproval":
            return {"permissions": {}, "scope": "turn"}
        case "item/tool/requestUserInput":
            return {"answers": {}}
        case _:
            return {"decision": "cancel"}


def is_rejection(request: PermissionRequest, decision: Decision) -> bool:
    """Say whether an act (no question) was refused."""
    option = next((item for item in request.options if item.option_id == decision.option_id), None)
    return not request.questions and (
        decision.outcome != "selected" or option is None or option.kind.startswith("reject")
    )


def _kind(method: str, item: tools.Item) -> ToolKind:
    """A command that asks wants out of the sandbox: it is never a mere read to the policy."""
    match method:
        case "item/commandExecution/requestApproval":
            return "execute"
        case "item/fileChange/requestApproval":
            return tools.kind_of(item) if item else "edit"
        case _:
            return "other"


def _title(method: str, params: Mapping[str, Any], item: tools.Item, worktree: str) -> str:
    match method:
        case "item/commandExecution/requestApproval":
            network = params.get("networkApprovalContext")
            if isinstance(network, Mapping):
                return tools.line(f"Reach {network.get('host', 'the network')}")
            return tools.line(tools.script_of(params.get("command"))) or "Run a command"
        case "item/permissions/requestApproval":
            return "More rights for this turn"
        case "item/tool/requestUserInput":
            return "Ask a question"
        case _ if item:
            return tools.title_of(item, worktree)
        case _:
            return tools.line(str(params.get("message") or "")) or "Edit files"


def _input(method: str, params: Mapping[str, Any], item: tools.Item) -> dict[str, Any]:
    match method:
        case "item/commandExecution/requestApproval":
            found: dict[str, Any] = {"command": tools.script_of(params.get("command"))}
            for name in ("cwd", "additionalPermissions", "networkApprovalContext"):
                if params.get(name):
                    found[name] = params[name]
        case "item/permissions/requestApproval":
            found = {"permissions": params.get("permissions")}
        case "item/tool/requestUserInput":
            found = {}
        case _:
            found = tools.input_of(item) if item else {}
    clipped = clip_input(found)
    return clipped if isinstance(clipped, dict) else {}


def _description(method: str, params: Mapping[str, Any]) -> str:
    said = [str(params.get("reason") or "")]
    if method == COMMAND:
        said.append("It would run outside Codex's sandbox.")
    if method == CHANGE and params.get("grantRoot"):
        said.append(f"Codex asks to write under {params['grantRoot']} for the rest of the session.")
    if method == ELICITATION:
        said.append(str(params.get("message") or ""))
    return "\n".join(part for part in said if part)
