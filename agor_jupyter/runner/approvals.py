"""What an agent asked and who answered: pure bookkeeping beside `policy.decide`.

It neither writes nor talks to the agent; the host does both with what it gets from here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from agor_jupyter.agents.base import Decision
from agor_jupyter.domain import policy
from agor_jupyter.domain.content import Mode, PermissionKind, TextContent
from agor_jupyter.domain.errors import AlreadyAnswered
from agor_jupyter.domain.events import PermissionRequest, PermissionResolved
from agor_jupyter.domain.ids import RequestId

BY_POLICY = "policy"
BY_AGENT = "agent"


@dataclass(frozen=True)
class Resolution:
    """What is to be logged, and what is to be told to the agent."""

    resolved: PermissionResolved
    decision: Decision


MOST_OPEN = 100
"""Each stands in the session's record till it is answered, and nobody reads more."""

TOO_MANY = "Too many requests wait for an answer already. Wait for those, then ask again."
SHOWN_CHARACTERS = 8000


def shown_whole(request: PermissionRequest) -> PermissionRequest:
    """Let a request without content show its input: a title alone is short, and names no arguments."""
    if request.content or request.questions or not request.input:
        return request
    command = request.input.get("command")
    if isinstance(command, str) and command.strip() == request.title.strip():
        return request
    text = command if isinstance(command, str) else json.dumps(request.input, indent=1, ensure_ascii=False)
    cut = max(0, len(text) - SHOWN_CHARACTERS)
    content = TextContent(text=text[:SHOWN_CHARACTERS], truncated=cut)
    return request.model_copy(update={"content": (content,)})


class Approvals:
    """The open requests of one session and its policy, which "allow always" extends."""

    def __init__(self, rules: policy.Policy) -> None:
        self.policy = rules
        self.open: dict[RequestId, PermissionRequest] = {}
        self._resolved: dict[RequestId, PermissionResolved] = {}

    def set_mode(self, mode: Mode) -> None:
        self.policy = self.policy.model_copy(update={"mode": mode})

    def ask(self, request: PermissionRequest) -> Resolution | None:
        """Open a request; give the policy's answer, or None when a person must answer."""
        self.open[request.request_id] = request
        match policy.decide(request, self.policy):
            case policy.Allow():
                decision = Decision(outcome="selected", option_id=_option(request, "allow_once"))
            case policy.Deny(reason=reason):
                option = _option(request, "reject_once")
                decision = Decision(outcome="selected", option_id=option, message=reason)
            case _ if len(self.open) > MOST_OPEN:
                option = _option(request, "reject_once")
                # A question is not answered, rather than answered with nothing: that would be asked again.
                outcome = "selected" if option is not None else "cancelled"
                decision = Decision(outcome=outcome, option_id=option, message=TOO_MANY)
            case _:
                return None
        return self.answer(request.request_id, decision, by=BY_POLICY)

    def answer(self, request_id: RequestId, decision: Decision, *, by: str) -> Resolution | None:
        """Close a request. None: there is nothing to do, for nobody asks that (any more).

        The same answer again is nothing new: a server hands it over again after each reconnect.
        Another one raises `AlreadyAnswered`.
        """
        if (before := self._resolved.get(request_id)) is not None:
            if before.by == BY_AGENT or _same(before, decision):
                return None
            raise AlreadyAnswered(
                "Somebody has answered this request.", by=before.by, option_id=before.option_id
            )
        request = self.open.pop(request_id, None)
        if request is None:
            return None
        chosen = next((item for item in request.options if item.option_id == decision.option_id), None)
        if chosen is not None and chosen.kind == "allow_always" and by not in (BY_POLICY, BY_AGENT):
            rule = policy.AlwaysRule(kind=request.kind, subject=policy.subject_of(request))
            self.policy = self.policy.model_copy(update={"always": (*self.policy.always, rule)})
        resolved = PermissionResolved(
            request_id=request_id,
            outcome="selected" if decision.outcome == "selected" else "cancelled",
            option_id=decision.option_id,
            by=by,
            message=decision.message,
            answers=decision.answers,
        )
        self._resolved[request_id] = resolved
        return Resolution(resolved, decision)

    def withdraw(self, request_id: RequestId) -> PermissionResolved | None:
        """The agent no longer asks. None when it was answered, or never asked."""
        if request_id not in self.open:
            return None
        found = self.answer(request_id, Decision(outcome="cancelled"), by=BY_AGENT)
        return found.resolved if found is not None else None


def _same(before: PermissionResolved, decision: Decision) -> bool:
    return (before.outcome, before.option_id, before.message, before.answers) == (
        decision.outcome,
        decision.option_id,
        decision.message,
        decision.answers,
    )


def _option(request: PermissionRequest, kind: PermissionKind) -> str | None:
    return next((option.option_id for option in request.options if option.kind == kind), None)
