"""What clients may write on a board, and what becomes of the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text

from agor_jupyter.board import migrate, shape
from agor_jupyter.board.intake import Intake, Refused


class Pair:
    """A server's document behind its intake, and a client that is in step with it."""

    def __init__(self) -> None:
        self.doc: Doc[Any] = Doc()
        migrate.prepare(self.doc)
        self.intake = Intake(self.doc)
        self.client: Doc[Any] = Doc()
        self.client.apply_update(self.doc.get_update())

    def map(self, name: str) -> Map[Any]:
        return self.doc.get(name, type=Map)

    def send(self, change: Callable[[Doc[Any]], None]) -> bool:
        before = self.client.get_state()
        change(self.client)
        return self.intake.take(self.client.get_update(before))


@pytest.fixture
def pair() -> Pair:
    return Pair()


def put(root: str, key: str, value: Any) -> Callable[[Doc[Any]], None]:
    def change(doc: Doc[Any]) -> None:
        doc.get(root, type=Map)[key] = value

    return change


def put_in(root: str, entry: str, key: str, value: Any) -> Callable[[Doc[Any]], None]:
    def change(doc: Doc[Any]) -> None:
        doc.get(root, type=Map)[entry][key] = value

    return change


def test_what_a_board_has_is_taken(pair: Pair) -> None:
    assert pair.send(put("cards", "wt_a", Map({"pos": [1, 2], "collapsed": True})))
    assert pair.send(put("zones", "zone_a", Map({"pos": [0, 0], "size": [9, 9], "name": "x", "hue": 1})))
    assert pair.send(put("notes", "note_a", Map({"pos": [0, 0], "size": [9, 9], "text": "t" * 60_000})))
    assert pair.send(put_in("cards", "wt_a", "pos", [3.5, 4]))
    assert pair.send(put_in("cards", "wt_a", "later", "a key of tomorrow"))
    assert pair.map("cards").to_py() == {
        "wt_a": {"pos": [3.5, 4], "collapsed": True, "later": "a key of tomorrow"}
    }


@pytest.mark.parametrize(
    ("root", "key", "value"),
    [
        ("cards", "wt_x", "no map"),
        ("cards", "wt_x", 7),
        ("cards", "w" * 200, Map({"pos": [1, 2]})),
        ("cards", "wt_x", Map({"pos": "nowhere"})),
        ("cards", "wt_x", Map({"pos": [1, 2, 3]})),
        ("cards", "wt_x", Map({"pos": [float("nan"), 2]})),
        ("cards", "wt_x", Map({"pos": [1e300, 2]})),
        ("cards", "wt_x", Map({"pos": [1, 2], "collapsed": "yes"})),
        ("zones", "zone_x", Map({"size": [-1, 5]})),
        ("zones", "zone_x", Map({"name": "n" * 2_000})),
        ("notes", "note_x", Map({"text": "t" * 70_000})),
        ("notes", "note_x", Map({"text": Text("shared")})),
        ("notes", "note_x", Map({"inner": Map({"a": 1})})),
        ("notes", "note_x", Map({"many": [1] * 1_000})),
        ("notes", "note_x", Map({"deep": {"a": {"b": 1}}})),
        ("evil", "x", Map({"pos": [1, 2]})),
        ("meta", "other", True),
        ("cards", "wt_x", Array([1])),
    ],
)
def test_what_no_board_has_is_refused_before_it_is_applied(
    pair: Pair, root: str, key: str, value: Any
) -> None:
    before = pair.doc.get_update()
    with pytest.raises(Refused):
        pair.send(put(root, key, value))
    assert pair.doc.get_update() == before


@pytest.mark.parametrize(
    ("key", "value"),
    [("pos", "nowhere"), ("pos", [1]), ("collapsed", 3), ("pos", Map({"x": 1})), ("pos", None)],
)
def test_a_bad_value_in_a_good_ones_place_is_deleted_at_once(pair: Pair, key: str, value: Any) -> None:
    """Such a value does not say in its bytes where it stands: it can only be seen once applied."""
    pair.send(put("cards", "wt_a", Map({"pos": [1, 2], "collapsed": False})))
    with pytest.raises(Refused):
        pair.send(put_in("cards", "wt_a", key, value))
    assert key not in pair.map("cards")["wt_a"]
    pair.client.apply_update(pair.doc.get_update())
    assert pair.client.get("cards", type=Map).to_py() == pair.map("cards").to_py()
    assert pair.send(put_in("cards", "wt_a", "pos", [5, 6]))
    assert pair.map("cards")["wt_a"]["pos"] == [5, 6]


def test_an_entry_that_becomes_no_map_is_deleted(pair: Pair) -> None:
    pair.send(put("cards", "wt_a", Map({"pos": [1, 2]})))
    with pytest.raises(Refused):
        pair.send(put("cards", "wt_a", "gone"))
    assert "wt_a" not in pair.map("cards")


def test_the_schema_cannot_be_taken_away(pair: Pair) -> None:
    def remove(doc: Doc[Any]) -> None:
        del doc.get("meta", type=Map)["schema"]

    with pytest.raises(Refused):
        pair.send(put("meta", "schema", 99))
    assert pair.map("meta")["schema"] == 1
    pair.client.apply_update(pair.doc.get_update())
    with pytest.raises(Refused):
        pair.send(remove)
    assert pair.map("meta")["schema"] == 1


def test_no_more_entries_than_a_board_holds(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape, "MAX_ENTRIES", 10)

    def many(doc: Doc[Any]) -> None:
        for number in range(15):
            doc.get("cards", type=Map)[f"wt_{number}"] = Map({"pos": [number, 0]})

    with pytest.raises(Refused):
        pair.send(many)
    assert len(pair.map("cards")) == 10
    assert pair.send(put_in("cards", "wt_0", "pos", [7, 7]))


def test_what_a_crash_left_only_with_a_client_comes_back(pair: Pair) -> None:
    """The server's own words, too: a client may send them as they are."""
    fresh: Doc[Any] = Doc()
    intake = Intake(fresh)
    pair.send(put("cards", "wt_a", Map({"pos": [1, 2]})))
    assert intake.take(pair.client.get_update())
    assert fresh.get("cards", type=Map).to_py() == {"wt_a": {"pos": [1, 2]}}
    assert fresh.get("meta", type=Map)["schema"] == 1


def test_an_entry_of_endless_keys_goes_as_a_whole(pair: Pair) -> None:
    """Each later change of it would be looked through key by key."""

    def change(doc: Doc[Any]) -> None:
        doc.get("notes", type=Map)["n"] = Map({f"k{number}": 1 for number in range(shape.MAX_KEYS + 1)})

    with pytest.raises(Refused):
        pair.send(change)
    assert "n" not in pair.map("notes")
