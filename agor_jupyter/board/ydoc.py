"""The layout document: where cards, zones and notes stand. Its shapes: `domain.board`.

Reads are tolerant (an entry that makes no sense is not there) and never use pycrdt's `to_py`, which
takes hundreds of milliseconds for a large board. Writes are one
transaction each and check what they are given.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from pycrdt import Doc, Map

from agor_jupyter.board.shape import MAX_COORDINATE, MAX_ENTRIES, fits
from agor_jupyter.domain.board import CARD_HEIGHT, CARD_WIDTH, Zone, free_place, place_beside
from agor_jupyter.domain.errors import NotFound, Unprocessable

Place = tuple[float, float]

_CROWDED = 200
"""From this many cards on, a new one goes below all others: looking for a gap grows quadratically."""


def zone_at(zones: Iterable[Zone], pos: Place) -> Zone | None:
    """Find the zone that holds the centre of a card at `pos`: of several, the smallest."""
    x, y = pos[0] + CARD_WIDTH / 2, pos[1] + CARD_HEIGHT / 2
    holding = [
        zone
        for zone in zones
        if zone.pos[0] <= x <= zone.pos[0] + zone.size[0] and zone.pos[1] <= y <= zone.pos[1] + zone.size[1]
    ]
    return min(holding, key=lambda zone: (zone.size[0] * zone.size[1], zone.order, zone.id), default=None)


class Layout:
    """The words of one layout document. Every method must run on the event loop's thread."""

    def __init__(self, doc: Doc[Any]) -> None:
        self.doc = doc
        self.cards: Map[Any] = doc.get("cards", type=Map)
        self.zones: Map[Any] = doc.get("zones", type=Map)
        self.notes: Map[Any] = doc.get("notes", type=Map)

    @property
    def roots(self) -> dict[str, Any]:
        return {"cards": self.cards, "zones": self.zones, "notes": self.notes}

    # --- cards

    def card_place(self, card_id: str) -> Place | None:
        """Say where a card stands, or None when it has no place here."""
        return _place_of(self.cards.get(card_id))

    def card_places(self) -> dict[str, Place]:
        """Read every card's place: about 5 µs a card, as JSON from the library's own side."""
        entries: dict[str, Any] = json.loads(str(self.cards))
        found = ((card_id, _place_in(entry)) for card_id, entry in entries.items())
        return {card_id: place for card_id, place in found if place is not None}

    def place_card(self, card_id: str, pos: Place | None = None, beside: str | None = None) -> Place:
        """Give a card its first place; one that has a place keeps it.

        Without `pos` a free one is found: the first beside or below the card `beside`, if it is there.
        """
        known = self.card_place(card_id)
        if known is not None:
            return known
        _check_room(self.cards)
        place = self._free_place(beside) if pos is None else check_place(pos)
        self.cards[card_id] = Map({"pos": list(place)})
        return place

    def _free_place(self, beside: str | None) -> Place:
        taken = list(self.card_places().values())
        kin = self.card_place(beside) if beside is not None else None
        if kin is not None and (found := place_beside(taken, kin)) is not None:
            return found
        if len(taken) <= _CROWDED:
            return free_place(taken)
        return (40.0, max(y for _, y in taken) + CARD_HEIGHT + 60)

    def move_card(self, card_id: str, pos: Place) -> str | None:
        """Put a card at `pos`; give the id of the zone that it stands in now. Raises `NotFound`."""
        place = check_place(pos)
        card = self.cards.get(card_id)
        if not isinstance(card, Map):
            raise NotFound(f"There is no card {card_id} on this board.")
        if _place_of(card) != place:
            card["pos"] = list(place)
        zone = zone_at(self.zone_list(), place)
        return zone.id if zone is not None else None

    def zone_of(self, card_id: str) -> str | None:
        """Name the zone that a card stands in."""
        place = self.card_place(card_id)
        zone = zone_at(self.zone_list(), place) if place is not None else None
        return zone.id if zone is not None else None

    def remove_card(self, card_id: str) -> None:
        """Take a card off the board; nothing happens when it is not there."""
        if card_id in self.cards:
            del self.cards[card_id]

    # --- zones

    def zone_list(self) -> list[Zone]:
        """Read the zones, in their order. Those without a sensible place and size are left out."""
        found = (_zone_of(zone_id, self.zones.get(zone_id)) for zone_id in list(self.zones.keys()))
        return sorted((zone for zone in found if zone is not None), key=lambda zone: (zone.order, zone.id))

    def add_zone(self, zone: Zone) -> None:
        """Add a zone, or put another in its place."""
        _check_room(self.zones)
        check_place(zone.pos)
        _check("size", list(zone.size))
        _check("name", zone.name)
        self.zones[zone.id] = Map(
            {
                "pos": list(zone.pos),
                "size": list(zone.size),
                "name": zone.name,
                "hue": zone.hue,
                "order": zone.order,
            }
        )

    def rename_zone(self, zone_id: str, name: str) -> None:
        _check("name", name)
        zone = self.zones.get(zone_id)
        if not isinstance(zone, Map):
            raise NotFound(f"There is no zone {zone_id} on this board.")
        if zone.get("name") != name:
            zone["name"] = name

    def remove_zone(self, zone_id: str) -> None:
        """Remove a zone; the cards in it stay where they are."""
        if zone_id in self.zones:
            del self.zones[zone_id]

    # --- notes

    def add_note(self, note_id: str, text: str, pos: Place, size: Place = (200, 120), hue: int = 50) -> None:
        _check_room(self.notes)
        _check("text", text)
        _check("size", list(size))
        self.notes[note_id] = Map(
            {"pos": list(check_place(pos)), "size": list(size), "text": text, "hue": hue}
        )

    def edit_note(self, note_id: str, text: str) -> None:
        _check("text", text)
        note = self.notes.get(note_id)
        if not isinstance(note, Map):
            raise NotFound(f"There is no note {note_id} on this board.")
        if note.get("text") != text:
            note["text"] = text

    def remove_note(self, note_id: str) -> None:
        if note_id in self.notes:
            del self.notes[note_id]

    def note_texts(self) -> dict[str, str]:
        """Read what the notes say."""
        found = {}
        for note_id in list(self.notes.keys()):
            note = self.notes.get(note_id)
            text = note.get("text") if isinstance(note, Map) else None
            if isinstance(text, str):
                found[note_id] = text
        return found


def check_place(pos: Place) -> Place:
    """Give `pos` back as floats, or raise `Unprocessable`: finite and within the board's bounds."""
    x, y = float(pos[0]), float(pos[1])
    if not (math.isfinite(x) and math.isfinite(y)) or max(abs(x), abs(y)) > MAX_COORDINATE:
        raise Unprocessable("This place is not on the board.", hint="Give two finite numbers.", field="pos")
    return (x, y)


def _check(key: str, value: object) -> None:
    if not fits(key, value):
        raise Unprocessable(f"This {key} makes no sense here.", field=key)


def _check_room(entries: Map[Any]) -> None:
    if len(entries) >= MAX_ENTRIES:
        raise Unprocessable(f"A board holds at most {MAX_ENTRIES} of these.")


def _place_of(entry: object) -> Place | None:
    return _place_in({"pos": entry.get("pos")}) if isinstance(entry, Map) else None


def _place_in(entry: object) -> Place | None:
    pos = entry.get("pos") if isinstance(entry, dict) else None
    return (float(pos[0]), float(pos[1])) if isinstance(pos, list) and fits("pos", pos) else None


def _zone_of(zone_id: str, entry: object) -> Zone | None:
    if not isinstance(entry, Map):
        return None
    pos, size, name = _place_of(entry), entry.get("size"), entry.get("name")
    if pos is None or not isinstance(size, list) or not fits("size", size):
        return None
    hue, order = entry.get("hue"), entry.get("order")
    return Zone(
        id=zone_id,
        name=name if isinstance(name, str) else "",
        pos=pos,
        size=(float(size[0]), float(size[1])),
        hue=int(hue) if isinstance(hue, int | float) and fits("hue", hue) else 210,
        order=int(order) if isinstance(order, int | float) and fits("order", order) else 0,
    )
