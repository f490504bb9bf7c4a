"""Reading updates: what is sound is read whole, what is not never reaches the library."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text

from agor_jupyter.board.intake import Intake
from agor_jupyter.board.lib0 import Reader, Unreadable, block, uint
from agor_jupyter.board.updates import MapValue, OtherValue, read_state, read_update


def board_doc(client_id: int | None = None) -> Doc[Any]:
    return Doc(client_id=client_id) if client_id is not None else Doc()


def edits(doc: Doc[Any], change: Any) -> list[bytes]:
    """Give the updates that `change` makes."""
    found: list[bytes] = []
    subscription = doc.observe(lambda event: found.append(event.update))
    change(doc)
    doc.unobserve(subscription)
    return found


def write_cards(doc: Doc[Any]) -> None:
    cards = doc.get("cards", type=Map)
    cards["wt_a"] = Map({"pos": [1.5, -2], "collapsed": True, "name": "é — 名"})
    cards["wt_a"]["pos"] = [3, 4]
    del cards["wt_a"]["collapsed"]
    del cards["wt_a"]


def test_each_write_of_a_board_is_read() -> None:
    doc = board_doc()
    updates = [read_update(data) for data in edits(doc, write_cards)]
    state: dict[int, int] = {}
    for update in updates:
        assert update.follows(state) and update.adds_to(state)
        for client, _, end in update.blocks:
            state[client] = end
    assert state == read_state(doc.get_state())
    first = updates[0].writes
    assert (first[0].root, first[0].key, first[0].value) == ("cards", "wt_a", MapValue())
    assert {write.key: write.value for write in first[1:]} == {
        "pos": [1.5, -2],
        "collapsed": True,
        "name": "é — 名",
    }
    assert updates[1].writes[0].inherited and updates[1].writes[0].value == [3, 4]
    assert not updates[2].writes and updates[2].deletes


def test_an_update_that_rests_on_something_unknown_does_not_follow() -> None:
    doc = board_doc()
    first, second, third, fourth = edits(doc, write_cards)
    assert not read_update(second).follows({})
    assert not read_update(third).follows({})
    assert not read_update(fourth).follows({doc.client_id: 2})
    assert read_update(first).follows({})
    assert not read_update(first).adds_to({doc.client_id: 10})


def test_other_kinds_are_read_and_named() -> None:
    doc = board_doc()
    doc.get("text", type=Text).insert(0, "hé😀")
    doc.get("list", type=Array).extend([1, "a", None, {"k": [True]}])
    doc.get("cards", type=Map)["x"] = Text("inner")
    values = [write.value for write in read_update(doc.get_update()).writes]
    assert any(isinstance(value, OtherValue) for value in values)
    update = read_update(doc.get_update())
    assert [(client, end) for client, _, end in update.blocks] == list(read_state(doc.get_state()).items())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\x00\x00\x00",
        b"\x01",
        b"\x01\x00\x01\x00\x00",
        b"\x01\x01\x01\x00\x00\x00\x00",
        b"\x01\x01\x01\x00\x0a\x05\x00",
        b"\x01\xff\xff\xff\x7f\x01\x00",
        b"\xff" * 9,
        b"\x01\x01\x01\x00\x08\x01\x01a\x01" + b"\x75\x01" * 20 + b"\x7e\x00",
        b"\x00\x01\x01\x01\x00\x00",
    ],
)
def test_what_is_malformed_is_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable):
        read_update(data)


def test_numbers_are_read_as_they_are_written() -> None:
    for number in (0, 1, 127, 128, 300, 2**31, 2**53 - 1):
        reader = Reader(uint(number))
        assert reader.uint() == number and reader.left == 0
    assert Reader(block("ü".encode())).string() == "ü"
    with pytest.raises(Unreadable):
        Reader(b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01").uint()
    with pytest.raises(Unreadable):
        Reader(b"\x02\xff\xff").string()


def test_twenty_thousand_mutated_updates_hurt_nothing() -> None:
    """Unguarded, the library ends the process with a segmentation fault after some thousands."""
    rng = random.Random(7)
    sources = [board_doc(1000 + number) for number in range(3)]
    samples: list[bytes] = []
    for _ in range(120):
        doc = rng.choice(sources)

        def change(doc: Doc[Any]) -> None:
            cards = doc.get("cards", type=Map)
            card_id = f"wt_{rng.randrange(5)}"
            if card_id not in cards or rng.random() < 0.2:
                cards[card_id] = Map({"pos": [1, 2]})
            elif rng.random() < 0.2:
                del cards[card_id]
            else:
                cards[card_id]["pos"] = [rng.random(), 5]

        new = edits(doc, change)
        samples += new
        for other in sources:
            if other is not doc:
                for data in new:
                    other.apply_update(data)
    target = board_doc()
    intake = Intake(target)
    taken = 0
    for _ in range(20_000):
        data = mutated(rng, rng.choice(samples))
        try:
            taken += intake.take(data)
        except Unreadable:
            continue
    assert taken > 500
    sound = board_doc()
    sound.apply_update(target.get_update())
    assert sound.get("cards", type=Map).to_py() == target.get("cards", type=Map).to_py()
    for entry in target.get("cards", type=Map).to_py().values():
        assert isinstance(entry, dict)


def mutated(rng: random.Random, sample: bytes) -> bytes:
    data = bytearray(sample)
    choice = rng.random()
    if choice < 0.5:
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(len(data))] = rng.randrange(16) if rng.random() < 0.5 else rng.randrange(256)
    elif choice < 0.6:
        del data[rng.randrange(len(data)) :]
    elif choice < 0.75:
        at = rng.randrange(len(data))
        data[at:at] = rng.randbytes(rng.randint(1, 3))
    elif choice < 0.85:
        at = rng.randrange(len(data))
        del data[at : at + rng.randint(1, 3)]
    return bytes(data)
