"""The layout's words: places, zones, notes."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from typing import Any

import pytest
from pycrdt import Doc, Map

from agor_jupyter.board import migrate
from agor_jupyter.board.ydoc import Layout, zone_at
from agor_jupyter.domain.board import CARD_HEIGHT, CARD_WIDTH, Zone
from agor_jupyter.domain.errors import NotFound, ReadOnly, Unprocessable

WIDE = Zone(id="zone_wide", name="Wide", pos=(0, 0), size=(2000, 1000))
SMALL = Zone(id="zone_small", name="Small", pos=(100, 100), size=(400, 400), order=1)


@pytest.fixture
def layout() -> Layout:
    doc: Doc[Any] = Doc()
    migrate.prepare(doc)
    return Layout(doc)


@pytest.mark.parametrize(
    ("pos", "expected"),
    [
        ((10, 600), "zone_wide"),
        ((150, 150), "zone_small"),
        ((100 - CARD_WIDTH / 2, 100 - CARD_HEIGHT / 2), "zone_small"),
        ((99 - CARD_WIDTH / 2, 100), "zone_wide"),
        ((-CARD_WIDTH, 0), None),
        ((5000, 5000), None),
    ],
)
def test_the_smallest_zone_under_a_cards_centre_counts(
    pos: tuple[float, float], expected: str | None
) -> None:
    zone = zone_at([WIDE, SMALL], pos)
    assert (zone.id if zone else None) == expected


def test_cards_are_placed_side_by_side_and_once(layout: Layout) -> None:
    places = [layout.place_card(f"wt_{number}") for number in range(9)]
    assert len(set(places)) == 9
    assert layout.place_card("wt_0", (500, 500)) == places[0]
    assert layout.place_card("wt_x", (500, 500)) == (500, 500)
    assert layout.card_place("wt_x") == (500, 500)
    assert len(layout.card_places()) == 10
    layout.remove_card("wt_x")
    layout.remove_card("wt_x")
    assert layout.card_place("wt_x") is None


def test_a_card_is_placed_beside_another_where_there_is_room(layout: Layout) -> None:
    layout.place_card("wt_parent", (5000, 300))
    assert layout.place_card("wt_1", beside="wt_parent") == (5320, 300)
    assert layout.place_card("wt_2", beside="wt_parent") == (5320, 520)
    assert layout.place_card("wt_3", (1, 1), "wt_parent") == (1, 1)
    assert layout.place_card("wt_4", beside="wt_gone") == layout.card_place("wt_4")
    for number in range(9):  # below one another until it is far enough away
        layout.place_card(f"wt_more{number}", beside="wt_parent")
    assert len(set(layout.card_places().values())) == len(layout.card_places())


def test_moving_tells_the_zone_and_writes_only_a_change(layout: Layout) -> None:
    layout.add_zone(WIDE)
    layout.add_zone(SMALL)
    layout.place_card("wt_a", (5000, 5000))
    assert layout.zone_of("wt_a") is None
    assert layout.move_card("wt_a", (150, 150)) == "zone_small"
    before = layout.doc.get_state()
    assert layout.move_card("wt_a", (150, 150)) == "zone_small"
    assert layout.doc.get_state() == before
    with pytest.raises(NotFound):
        layout.move_card("wt_nobody", (1, 1))
    for bad in ((float("nan"), 0.0), (float("inf"), 0.0), (1e12, 0.0)):
        with pytest.raises(Unprocessable):
            layout.move_card("wt_a", bad)


def test_three_thousand_moves_leave_a_small_document(layout: Layout) -> None:
    """P2: one `pos` key, one card: the history of its places joins into nothing."""
    layout.place_card("wt_a", (0, 0))
    for number in range(3_000):
        layout.move_card("wt_a", (number, number))
    assert len(layout.doc.get_update()) < 400


def test_zones_are_added_renamed_and_removed(layout: Layout) -> None:
    layout.add_zone(SMALL)
    layout.add_zone(WIDE)
    assert [zone.id for zone in layout.zone_list()] == ["zone_wide", "zone_small"]
    layout.rename_zone("zone_small", "Review")
    assert layout.zone_list()[1].name == "Review"
    layout.remove_zone("zone_small")
    layout.remove_zone("zone_small")
    assert [zone.id for zone in layout.zone_list()] == ["zone_wide"]
    with pytest.raises(NotFound):
        layout.rename_zone("zone_small", "x")
    with pytest.raises(Unprocessable):
        layout.add_zone(SMALL.model_copy(update={"size": (0, 5)}))


def test_notes_are_added_edited_and_removed(layout: Layout) -> None:
    layout.add_note("note_a", "first", (1, 1))
    layout.edit_note("note_a", "second")
    assert layout.note_texts() == {"note_a": "second"}
    with pytest.raises(Unprocessable):
        layout.edit_note("note_a", "x" * 70_000)
    with pytest.raises(NotFound):
        layout.edit_note("note_b", "x")
    layout.remove_note("note_a")
    assert layout.note_texts() == {}


def test_entries_that_make_no_sense_are_not_there(layout: Layout) -> None:
    layout.cards["wt_text"] = "no map"
    layout.cards["wt_empty"] = Map({})
    layout.cards["wt_bad"] = Map({"pos": ["a", 1]})
    layout.zones["zone_bad"] = Map({"pos": [1, 1], "size": "large"})
    assert layout.card_places() == {} and layout.zone_list() == []
    assert layout.card_place("wt_text") is None


def quickest(read: Callable[[], object]) -> float:
    """Give the CPU seconds of the quickest of five runs: the others met the garbage collector."""
    found = []
    for _ in range(5):
        started = time.process_time()
        read()
        found.append(time.process_time() - started)
    return min(found)


def test_a_crowded_board_is_read_and_filled_quickly(layout: Layout) -> None:
    with layout.doc.transaction():
        for number in range(5_000 - 1):
            layout.cards[f"wt_{number}"] = Map({"pos": [number % 40 * 320, number // 40 * 220]})
    assert quickest(layout.card_places) < quickest(layout.cards.to_py)
    place = layout.place_card("wt_last")
    assert place[1] > max(y for card_id, (_, y) in layout.card_places().items() if card_id != "wt_last")
    with pytest.raises(Unprocessable):
        layout.place_card("wt_too_many")
    # P9: what a browser loads first.
    assert len(gzip.compress(layout.doc.get_update())) <= 250 * 1024


def test_a_newer_schema_is_read_only() -> None:
    doc: Doc[Any] = Doc()
    assert migrate.prepare(doc) == ""
    assert migrate.prepare(doc) == ""
    doc.get("meta", type=Map)["schema"] = 2
    reason = migrate.prepare(doc)
    assert "newer version" in reason
    assert isinstance(migrate.read_only_error(reason), ReadOnly)
    doc.get("meta", type=Map)["schema"] = "x"
    assert migrate.prepare(doc)
