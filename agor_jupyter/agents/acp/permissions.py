"""ACP's permission requests as requests of the house, and the house's decisions as its answers.

Pure but for one thing: the paths that a request names are resolved, so that what is asked about is
what will be touched (`look`, run in a thread).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any, get_args

from agor_jupyter.agents.acp import content
from agor_jupyter.agents.acp.wire import HOUSE_SERVER
from agor_jupyter.agents.base import Decision
from agor_jupyter.agents.clip import clip
from agor_jupyter.agents.places import place_of
from agor_jupyter.domain.content import PermissionKind, PermissionOption, ToolKind, ToolLocation
from agor_jupyter.domain.events import PermissionRequest
from agor_jupyter.domain.ids import RequestId, ToolCallId

KINDS: frozenset[str] = frozenset(get_args(PermissionKind))
ALWAYS = PermissionOption(option_id="agor:always", name="Always for this session", kind="allow_always")
"""Said to the runner's policy, which remembers this very act. The agent hears its own "once": under its
own "always" it would do more than was asked (edit freely, run kindred commands), unseen."""

CANCELLED: Mapping[str, Any] = {"outcome": {"outcome": "cancelled"}}
NEEDS_PLACE: frozenset[ToolKind] = frozenset({"read", "search"})


def look(call: Mapping[str, Any], worktree: str) -> tuple[ToolLocation, ...]:
    """Resolve the paths that a call names (links too). Reads the disk: run it in a thread."""
    found: dict[str, ToolLocation] = {}
    for place in content.locations_of(call, worktree):
        path = place_of(place.path, worktree)
        found.setdefault(path, ToolLocation(path=path, line=place.line))
    return tuple(found.values())


def request_of(
    request_id: RequestId,
    call: Mapping[str, Any],
    options: object,
    locations: tuple[ToolLocation, ...],
    worktree: str,
) -> PermissionRequest:
    """Build the request that a person, or the policy, decides on."""
    kind = content.kind_of(call.get("kind"))
    if kind in NEEDS_PLACE and not locations:
        kind = "other"  # the policy allows reads inside the worktree: where this one goes is not said
    shown = content.contents_of({"content": call.get("content")}, kind, worktree) or ()
    words = [item.text for item in shown if item.type != "diff"]
    key = call.get("toolCallId")
    return PermissionRequest(
        request_id=request_id,
        tool_call_id=ToolCallId(str(key)) if key else None,
        title=content.asked_title_of(call) or kind.replace("_", " ").capitalize(),
        description=clip("\n".join(words))[0],
        kind=kind,
        input=content.input_of(call),
        locations=locations,
        content=tuple(item for item in shown if item.type == "diff"),
        options=options_of(options, kind),
        digest=digest_of(call),
    )


def digest_of(call: Mapping[str, Any]) -> str:
    """Name exactly what is asked: the sha-256 of all that the agent told of the call but its id."""
    told = {name: value for name, value in call.items() if name not in ("toolCallId", "status", "_meta")}
    if not any(told.values()):
        told = dict(call)  # nothing is known of it: what is said to it must hold for no other
    whole = json.dumps(told, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(whole.encode(errors="surrogatepass")).hexdigest()


def options_of(options: object, kind: ToolKind) -> tuple[PermissionOption, ...]:
    """Offer what the agent offers, but for its ways to allow always: see `ALWAYS`.

    An agent's mode is left once, never for always: that would be a mode in which it does not ask.
    """
    told = [
        PermissionOption(option_id=str(item["optionId"]), name=str(item.get("name", "")), kind=item["kind"])
        for item in content.records(options)
        if str(item.get("kind")) in KINDS and item.get("optionId")
    ]
    if not any(option.kind == "allow_once" for option in told):
        return tuple(told)
    kept = [option for option in told if option.kind != "allow_always"]
    if kind == "switch_mode":
        return tuple(kept)
    place = next(at for at, option in enumerate(kept) if option.kind == "allow_once") + 1
    return (*kept[:place], ALWAYS, *kept[place:])


def answer_of(request: PermissionRequest, decision: Decision) -> tuple[Mapping[str, Any], bool]:
    """Translate a decision; say whether it allows. What is not clearly allowed is not."""
    by_id = {option.option_id: option for option in request.options}
    option = by_id.get(decision.option_id or "")
    if decision.outcome != "selected":
        return CANCELLED, False
    if option is None or option.kind.startswith("reject"):
        refusals = [item for item in request.options if item.kind.startswith("reject")]
        chosen = option or next(iter(refusals), None)
        return (selected(chosen.option_id) if chosen is not None else CANCELLED), False
    if option is ALWAYS or option.option_id == ALWAYS.option_id:
        option = next(item for item in request.options if item.kind == "allow_once")
    return selected(option.option_id), True


def selected(option_id: str) -> Mapping[str, Any]:
    return {"outcome": {"outcome": "selected", "optionId": option_id}}


def house_tool(call: Mapping[str, Any], tools: Collection[str]) -> str:
    """Name the house's own tool that a call is for; "" for any other.

    The protocol has no field for a tool's name, so agents put it into the title, each in its way, or
    beside it (`content.tool_name_of`). A call that touches files or runs a command is never one, whatever
    it calls itself.
    """
    if content.kind_of(call.get("kind")) not in ("other", "read", "think", "search"):
        return ""
    if content.records(call.get("locations")) or any(
        item.get("type") == "diff" for item in content.records(call.get("content"))
    ):
        return ""
    told = {str(call.get("title") or "").strip().strip("`"), content.tool_name_of(call)}
    return next((tool for tool in tools if told & _names(tool)), "")


def _names(tool: str) -> frozenset[str]:
    server = HOUSE_SERVER
    return frozenset(
        {
            f"mcp__{server}__{tool}",
            f"mcp_{server}_{tool}",
            f"{server}__{tool}",
            f"{server}_{tool}",
            f"{server}-{tool}",
            f"{server}.{tool}",
            f"{server}/{tool}",
            f"Tool: {server}/{tool}",
            f"{tool} ({server} MCP Server)",
        }
    )


def option_to_allow(options: object) -> str | None:
    """Find the agent's own way to allow once."""
    allowed = [item for item in content.records(options) if item.get("kind") == "allow_once"]
    return str(allowed[0].get("optionId")) if allowed else None
