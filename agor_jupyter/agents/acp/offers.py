"""What an agent says it can do and offers to choose: its `initialize` answer and its session's. Pure.

Read leniently: a field that is missing or of another shape counts as not offered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agor_jupyter.agents.base import Capabilities
from agor_jupyter.domain.content import Mode, SlashCommand

ASKING = ("default", "ask", "read-only", "manual", "normal")
"""Ids of modes in which agents ask a person, the best known first."""
PLANNING = ("plan",)
_UNASKING = re.compile(r"yolo|bypass|dont|auto|full|accept|danger", re.IGNORECASE)


@dataclass(frozen=True)
class Abilities:
    """What of the protocol the agent supports."""

    name: str = ""
    version: str = ""
    protocol: int | None = None
    logins: tuple[str, ...] = ()
    load: bool = False
    resume: bool = False
    fork: bool = False
    images: bool = False
    embedded: bool = False
    http: bool = False

    def lacks(self, kind: Capabilities) -> tuple[str, ...]:
        """Name what the kind can do and the agent at hand cannot."""
        here = {"fork": self.fork, "images": self.images, "resume": self.resume or self.load}
        return tuple(name for name, able in here.items() if getattr(kind, name) and not able)


@dataclass(frozen=True)
class Choice:
    """Something that a client may choose among `values`. Without `config_id` it has a method of its own."""

    values: tuple[str, ...] = ()
    current: str = ""
    config_id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What the agent calls them, where it says so."""


@dataclass(frozen=True)
class Offer:
    """What a session offers to choose."""

    modes: Choice = Choice()
    models: Choice = Choice()
    efforts: Choice = Choice()


def abilities_of(answer: object) -> Abilities:
    """Read the answer to `initialize`."""
    whole = _record(answer)
    can = _record(whole.get("agentCapabilities"))
    prompts = _record(can.get("promptCapabilities"))
    sessions = _record(can.get("sessionCapabilities"))
    info = _record(whole.get("agentInfo"))
    protocol = whole.get("protocolVersion")
    logins = [_record(item).get("id") for item in _items(whole.get("authMethods"))]
    return Abilities(
        protocol=protocol if isinstance(protocol, int) else None,
        logins=tuple(login for login in logins if isinstance(login, str)),
        name=str(info.get("title") or info.get("name") or ""),
        version=str(info.get("version") or ""),
        load=can.get("loadSession") is True,
        resume=isinstance(sessions.get("resume"), Mapping),
        fork=isinstance(sessions.get("fork"), Mapping),
        images=prompts.get("image") is True,
        embedded=prompts.get("embeddedContext") is True,
        http=_record(can.get("mcpCapabilities")).get("http") is True,
    )


def offer_of(answer: object) -> Offer:
    """Read the answer to `session/new`, `load`, `resume` or `fork`."""
    whole = _record(answer)
    modes, models = _record(whole.get("modes")), _record(whole.get("models"))
    plain = Offer(
        modes=_choice(modes, "availableModes", "id", "currentModeId"),
        models=_choice(models, "availableModels", "modelId", "currentModelId"),
    )
    return with_config(plain, whole.get("configOptions"))


def with_config(offer: Offer, options: object) -> Offer:
    """Take the choices that stand among an agent's configuration options; they win over methods."""
    found = {str(_record(option).get("category")): _select(_record(option)) for option in _items(options)}
    return replace(
        offer,
        modes=found.get("mode") or offer.modes,
        models=found.get("model") or offer.models,
        efforts=found.get("thought_level") or found.get("thinking") or offer.efforts,
    )


def commands_of(listed: object) -> tuple[SlashCommand, ...]:
    """Read `available_commands_update`."""
    found = [item for item in map(_record, _items(listed)) if item.get("name")]
    return tuple(
        SlashCommand.told(item["name"], item.get("description"), _record(item.get("input")).get("hint"))
        for item in found
    )


def home_of(offer: Choice) -> str:
    """Name the mode in which the agent works when it does not plan: `build`, `agent`, `code`, …

    The one that it began in; where that is a plan or asks nobody, the first that is neither.
    """
    fitting = (mode for mode in (offer.current, *offer.values) if not (is_plan(mode) or asks_nobody(mode)))
    return next((mode for mode in fitting if mode in offer.values), "")


def mode_for(mode: Mode, offer: Choice, wanted: Mapping[Mode, str], home: str = "") -> str:
    """Choose the agent's own mode for ours: "" where it has none that fits. See `home_of`.

    Our policy decides, so an agent must ask in every mode; never one in which it would not.
    """
    if mode in wanted:
        return wanted[mode] if wanted[mode] in offer.values else ""
    names = (*PLANNING, *ASKING) if mode == "plan" else ASKING
    by_name = {_short(value): value for value in offer.values}
    return next((by_name[name] for name in names if name in by_name), home if home in offer.values else "")


def asks_nobody(mode_id: str) -> bool:
    """Say whether a mode sounds as if the agent acted without asking in it."""
    return bool(_UNASKING.search(_short(mode_id)))


def is_plan(mode_id: str) -> bool:
    return _short(mode_id) in PLANNING


def _short(mode_id: str) -> str:
    """Some agents name modes by addresses: `https://…/session-modes#plan`."""
    return mode_id.rsplit("#", 1)[-1].lower()


def _choice(state: Mapping[str, Any], listed: str, name: str, current: str) -> Choice:
    labels = _labels(name, map(_record, _items(state.get(listed))))
    return Choice(tuple(labels), str(state.get(current) or ""), labels=_worth(labels))


def _select(option: Mapping[str, Any]) -> Choice | None:
    if option.get("type") != "select" or not isinstance(option.get("id"), str):
        return None
    labels = _labels("value", _flat(_items(option.get("options"))))
    return Choice(tuple(labels), str(option.get("currentValue") or ""), str(option["id"]), _worth(labels))


def _labels(name: str, items: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    found = ((item.get(name), item.get("name")) for item in items)
    return {
        value: label if isinstance(label, str) else "" for value, label in found if isinstance(value, str)
    }


def _worth(labels: Mapping[str, str]) -> dict[str, str]:
    """Keep the labels that say more than the value itself."""
    return {value: label for value, label in labels.items() if label not in ("", value)}


def _flat(items: Iterable[object]) -> list[Mapping[str, Any]]:
    """Options may stand in groups."""
    found: list[Mapping[str, Any]] = []
    for item in map(_record, items):
        found += _flat(_items(item["options"])) if "options" in item else [item]
    return found


def _record(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _items(value: object) -> Sequence[object]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()
