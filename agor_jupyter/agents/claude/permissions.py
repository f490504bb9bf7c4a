"""Claude's permission callback as requests of the house, and the house's decisions as its results.

Pure but for one thing: the path that a request names is resolved, and the file that an edit would
replace is read, so that what is asked about is what will be touched (`look`, run in a thread).
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claude_agent_sdk import PermissionResultAllow, PermissionResultDeny, ToolPermissionContext
from claude_agent_sdk.types import PermissionResult, PermissionUpdate

from agor_jupyter.agents.base import Decision
from agor_jupyter.agents.claude import tools
from agor_jupyter.agents.claude.results import diff_of_request
from agor_jupyter.agents.clip import clip, clip_input
from agor_jupyter.agents.places import place_of
from agor_jupyter.agents.words import words_of
from agor_jupyter.domain.content import Mode, PermissionOption, Question, ToolLocation
from agor_jupyter.domain.events import PermissionRequest
from agor_jupyter.domain.ids import RequestId, ToolCallId

OPTIONS = (
    PermissionOption(option_id="allow_once", name="Allow once", kind="allow_once"),
    PermissionOption(option_id="allow_always", name="Always for this session", kind="allow_always"),
    PermissionOption(option_id="reject_once", name="Reject", kind="reject_once"),
)
PLAN_OPTIONS = (
    PermissionOption(option_id="start_asking", name="Start; ask before each edit", kind="allow_once"),
    PermissionOption(option_id="start_editing", name="Start; edit freely", kind="allow_once"),
    PermissionOption(option_id="reject_once", name="Keep planning", kind="reject_once"),
)
MODE_AFTER_PLAN: Mapping[str, Mode] = {"start_asking": "ask", "start_editing": "accept_edits"}

NO_ANSWER = "The person did not answer. Do not assume an answer: say what you need to know and stop."
REJECTED = "The person rejected this. Do not try it in another way; ask what to do instead."


@dataclass(frozen=True)
class Seen:
    """What `look` found on disk: where the paths of a request really lead, and the file's words now."""

    locations: tuple[ToolLocation, ...] = ()
    before: str | None = None


def look(name: str, tool_input: Mapping[str, Any], blocked_path: str | None, worktree: str) -> Seen:
    """Resolve the paths that a call names (links too). Reads files: run it in a thread."""
    named = [place.path for place in tools.locations_of(name, tool_input, worktree)]
    if blocked_path:
        named.append(posixpath.join(worktree, blocked_path))
    found = dict.fromkeys(place_of(path, worktree) for path in named)
    before = words_of(Path(named[0])) if name == "Write" and named else None
    return Seen(tuple(ToolLocation(path=path) for path in found), before)


def request_of(
    request_id: RequestId,
    name: str,
    tool_input: Mapping[str, Any],
    context: ToolPermissionContext,
    seen: Seen,
    worktree: str,
) -> PermissionRequest:
    """Build the request that a person, or the policy, decides on."""
    questions = questions_of(tool_input) if name == "AskUserQuestion" else ()
    kind = tools.kind_of(name)
    path = seen.locations[0].path if seen.locations else ""
    diff = diff_of_request(name, tool_input, path, seen.before)
    return PermissionRequest(
        request_id=request_id,
        tool_call_id=ToolCallId(context.tool_use_id) if context.tool_use_id else None,
        title=tools.title_of(name, tool_input, worktree),
        description=_description(name, tool_input, context),
        kind=kind,
        input=clip_input(dict(tool_input)),
        locations=seen.locations,
        content=(diff,) if diff is not None else (),
        options=() if questions else (PLAN_OPTIONS if name == "ExitPlanMode" else OPTIONS),
        questions=questions,
        digest=digest_of(name, tool_input),
    )


def digest_of(name: str, tool_input: Mapping[str, Any]) -> str:
    """Name exactly what is asked: the sha-256 of the tool and its whole input."""
    whole = json.dumps([name, tool_input], sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(whole.encode(errors="surrogatepass")).hexdigest()


def questions_of(tool_input: Mapping[str, Any]) -> tuple[Question, ...]:
    """Read the questions of AskUserQuestion. To each, the CLI itself takes words of one's own as well."""
    asked = tool_input.get("questions")
    return tuple(
        Question(
            question=str(item.get("question", "")),
            header=str(item.get("header", "")),
            choices=tuple(str(option.get("label", "")) for option in item.get("options") or ()),
            multiple=bool(item.get("multiSelect")),
            descriptions=tuple(str(option.get("description") or "") for option in item.get("options") or ()),
            own=True,
        )
        for item in (asked if isinstance(asked, list) else [])
        if isinstance(item, Mapping)
    )


def result_of(
    request: PermissionRequest,
    decision: Decision,
    tool_input: Mapping[str, Any],
    suggestions: list[PermissionUpdate],
) -> PermissionResult:
    """Translate a decision. What is not clearly allowed is denied."""
    if request.questions:
        if decision.outcome != "selected" or not decision.answers:
            return PermissionResultDeny(message=decision.message or NO_ANSWER)
        return PermissionResultAllow(updated_input={**tool_input, "answers": dict(decision.answers)})
    option = next((item for item in request.options if item.option_id == decision.option_id), None)
    if decision.outcome != "selected" or option is None or option.kind.startswith("reject"):
        return PermissionResultDeny(message=decision.message or REJECTED)
    if option.kind == "allow_always":
        return PermissionResultAllow(updated_permissions=rules_of(suggestions, tool_input) or None)
    return PermissionResultAllow()


def rules_of(suggestions: list[PermissionUpdate], tool_input: Mapping[str, Any]) -> list[PermissionUpdate]:
    """Keep what "always" was said to: this very command, for this session.

    The CLI suggests more: to switch itself to acceptEdits, to add folders, to write rules into the
    project's settings, and wide rules (`git commit *`, all of /etc). Under those it would act where
    nobody was asked and no log saw it. The runner's policy remembers the rest.
    """
    return [
        PermissionUpdate(type="addRules", rules=item.rules, behavior="allow", destination="session")
        for item in suggestions
        if item.type == "addRules" and item.behavior == "allow" and _is_exact(item, tool_input)
    ]


def _is_exact(suggestion: PermissionUpdate, tool_input: Mapping[str, Any]) -> bool:
    command = tool_input.get("command")
    return bool(suggestion.rules) and all(
        rule.tool_name == "Bash" and rule.rule_content == command and "*" not in str(command)
        for rule in suggestion.rules or ()
    )


def _description(name: str, tool_input: Mapping[str, Any], context: ToolPermissionContext) -> str:
    if name == "ExitPlanMode":
        return clip(str(tool_input.get("plan", "")))[0]
    said = tool_input.get("description")
    reasons = [said if isinstance(said, str) and name == "Bash" else "", context.decision_reason or ""]
    return "\n".join(reason for reason in reasons if reason)
