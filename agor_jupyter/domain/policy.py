"""Whether an agent may do what it asks: allow, ask a person, or refuse. A pure table.

The runner asks it for each permission request, so that an agent whose mode allows an act does
not wait for a server that is away.
"""

from __future__ import annotations

from dataclasses import dataclass

from agor_jupyter.domain.content import Mode, ToolKind
from agor_jupyter.domain.events import PermissionRequest
from agor_jupyter.domain.model import Value

READS: frozenset[ToolKind] = frozenset({"read", "search", "think"})


@dataclass(frozen=True)
class Allow:
    pass


@dataclass(frozen=True)
class Ask:
    pass


@dataclass(frozen=True)
class Deny:
    reason: str


Decision = Allow | Ask | Deny


class AlwaysRule(Value):
    """What a person allowed for the rest of a session: the same tool with the same subject."""

    kind: ToolKind
    subject: str


class Policy(Value):
    """A session's mode, what was always allowed, and the folder that counts as inside."""

    mode: Mode = "ask"
    always: tuple[AlwaysRule, ...] = ()
    worktree: str


SHOWN_CHARACTERS = 2000
"""A command that is longer may have been clipped on its way to the person who allowed it."""


def subject_of(request: PermissionRequest) -> str:
    """Name what "always" was said to: the command of an execution, the digest of all else.

    A title is shortened and names no arguments, so it would cover what nobody saw. An edit is the
    exception: always allowing one edit allows edits inside the worktree.
    """
    if request.kind == "edit":
        return ""
    command = request.input.get("command") if request.kind == "execute" else None
    whole = isinstance(command, str) and 0 < len(command) <= SHOWN_CHARACTERS
    return str(command) if whole else f"sha256:{request.digest}"


def decide(request: PermissionRequest, policy: Policy) -> Decision:
    """Decide on `request`. Questions and mode switches are always a person's to answer."""
    if request.questions or request.kind == "switch_mode":
        return Ask()
    inside = _is_inside(request, policy.worktree)
    if policy.mode == "full_auto":
        return Allow()
    if request.kind in READS and inside:
        return Allow()
    if policy.mode == "plan":
        return Ask() if request.kind in READS else Deny("The session is in plan mode: it only reads.")
    if AlwaysRule(kind=request.kind, subject=subject_of(request)) in policy.always:
        return Allow() if inside else Ask()
    if policy.mode == "accept_edits" and request.kind == "edit" and request.locations and inside:
        return Allow()
    return Ask()


def _is_inside(request: PermissionRequest, worktree: str) -> bool:
    """Say whether every location lies in the worktree. Adapters resolve paths before they ask."""
    root = worktree.rstrip("/") + "/"
    return all(
        ".." not in place.path.split("/")
        and (not place.path.startswith("/") or place.path == root[:-1] or place.path.startswith(root))
        for place in request.locations
    )
