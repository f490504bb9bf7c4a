"""Cuts events into frames of bounded size, ready to be written, each with the seq that it ends at. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from agor_jupyter.domain.events import SessionEvent
from agor_jupyter.server.frame_writer import frame

MAX_EVENTS = 500
MAX_CHARACTERS = 64 * 1024
"""A frame this long ends; a single event may be longer. Small frames show whether a client reads."""


def frames_of(session_id: str, events: Sequence[SessionEvent]) -> Iterator[tuple[int, bytes]]:
    """Yield `(last seq, frame)`; every event is in exactly one frame, in order."""
    name = json.dumps(session_id)
    for last, text in cut(events):
        yield last, frame(f'{{"session":{name},"events":[{text}]}}')


def cut(events: Sequence[SessionEvent]) -> Iterator[tuple[int, str]]:
    """Yield `(last seq, events as the inside of a JSON list)`, each of bounded size."""
    texts: list[str] = []
    size = 0
    last = 0
    for event in events:
        text = event.model_dump_json()
        if texts and (size + len(text) > MAX_CHARACTERS or len(texts) == MAX_EVENTS):
            yield last, ",".join(texts)
            texts, size = [], 0
        texts.append(text)
        size += len(text)
        last = event.seq
    if texts:
        yield last, ",".join(texts)
