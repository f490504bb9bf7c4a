"""Take secrets and places out of texts that leave the house: known values, known shapes, folders. Pure.

A secret becomes `[secret-1]`, the same one always the same; a folder becomes a relative path or `~`.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from urllib.parse import quote

from agor_jupyter.domain.secret_shapes import shaped

SHORTEST = 4
"""A value that is shorter is no secret, and taking it out would leave no text whole."""
WORD_UNDER = 8
"""A value that is shorter is one only where it stands as a word."""
SHORTEST_PIECE = 8
"""So much of a known value counts at a place where a text was cut."""

PLACEHOLDER = re.compile(r"\[secret-\d+\]")
_CUT = re.compile(r"\n… \d+ bytes left out …\n")

Span = tuple[int, int, str]


class Redactor:
    """Cleans texts of one document, and counts by what it took out.

    `secrets` are known values and what each is; `places` are folders and what stands for each ("" for
    what is relative to it).
    """

    def __init__(self, secrets: Mapping[str, str], places: Mapping[str, str]) -> None:
        self.removed: Counter[str] = Counter()
        self._known: dict[str, str] = {}
        for value, what in secrets.items():
            for form in _forms(value):
                self._known.setdefault(form, what)
        self._values = _alternation(self._known)
        self._places = {place.rstrip("/"): stead for place, stead in places.items() if len(place) > 1}
        self._place = _place_pattern(self._places)
        self._numbers: dict[str, int] = {}

    def clean(self, text: str) -> str:
        return self.clean_parts([text])[0]

    def clean_parts(self, parts: Sequence[str]) -> list[str]:
        """Clean texts that follow each other as one: a secret may begin in one and end in the next."""
        cleaned = list(parts)
        for find in (self._known_in, self._shaped_in, self._places_in):
            spans = _apart(find("".join(cleaned)))
            cleaned = _replaced(cleaned, spans) if spans else cleaned
        return cleaned

    def take_out(self, value: str, what: str) -> str:
        """Take a text out as a whole; one that was taken out already stays as it is."""
        return value if PLACEHOLDER.fullmatch(value.strip()) else self._named(value, what)

    def holds_known(self, text: str) -> bool:
        """Say whether a known value that is no word of any language is (still) in `text`."""
        return any(value in text for value in self._known if len(value) >= 12 and not value.isalpha())

    def _known_in(self, text: str) -> list[Span]:
        if self._values is None:
            return []
        spans = [self._secret(found, self._known[found[0]]) for found in self._values.finditer(text)]
        for start, end, what in self._cut_off(text):
            spans.append((start, end, self._named(text[start:end], what)))
        return spans

    def _cut_off(self, text: str) -> Iterable[Span]:
        """Find pieces of known values at the ends of a text, and where its middle was left out."""
        cuts = list(_CUT.finditer(text))
        ends = [*(cut.start() for cut in cuts), len(text)]
        begins = [0, *(cut.end() for cut in cuts)]
        for value, what in self._known.items():
            # Most cuts are in no value: a look at the nearest few letters keeps a text of many cuts cheap.
            for end in ends:
                if text[max(0, end - SHORTEST_PIECE) : end] not in value:
                    continue
                if size := _longest(value, partial(_ends_with, text, end)):
                    yield end - size, end, what
            for begin in begins:
                if text[begin : begin + SHORTEST_PIECE] not in value:
                    continue
                if size := _longest(value[::-1], partial(_begins_with, text, begin)):
                    yield begin, begin + size, what

    def _shaped_in(self, text: str) -> list[Span]:
        found = (span for span in shaped(text) if not PLACEHOLDER.search(text, span[0], span[1]))
        return [(start, end, self._named(text[start:end], what)) for start, end, what in _apart(list(found))]

    def _places_in(self, text: str) -> list[Span]:
        if self._place is None:
            return []
        spans = []
        for found in self._place.finditer(text):
            stead = self._places[found["place"]]
            self.removed["path"] += 1
            # Relative to it: what follows the slash, or the folder itself.
            new = stead + found["slash"] if stead else "" if found["slash"] else "."
            spans.append((*found.span(), new))
        return spans

    def _secret(self, found: re.Match[str], what: str) -> Span:
        return (*found.span(), self._named(found[0], what))

    def _named(self, value: str, what: str) -> str:
        self.removed[what] += 1
        return f"[secret-{self._numbers.setdefault(value, len(self._numbers) + 1)}]"


def _forms(value: str) -> Iterable[str]:
    """Give the forms that a value takes in texts: as it is, line by line, and as encodings write it."""
    if len(value.strip()) < SHORTEST:
        return
    plain = value.strip()
    yield from dict.fromkeys([value, plain])
    if len(plain) < WORD_UNDER:
        return
    yield json.dumps(plain)[1:-1]
    yield quote(plain, safe="")
    data = plain.encode("utf-8", "replace")
    coded = base64.b64encode(data).decode()
    yield from dict.fromkeys([coded, coded.rstrip("=")])
    for before in range(3):
        core = _core(data, before)
        if len(core) >= SHORTEST_PIECE:
            yield from dict.fromkeys([core, core.replace("+", "-").replace("/", "_")])
    yield from (data.hex(), data.hex().upper())
    lines = [line.strip() for line in plain.splitlines()]
    yield from (line for line in lines if len(lines) > 1 and len(line) >= 16 and "-----" not in line)


def _core(data: bytes, before: int) -> str:
    """Give the letters of base64 that `data` alone decides where `before` bytes stand before it."""
    coded = base64.b64encode(bytes(before) + data).decode()
    whole = (before + len(data)) // 3 * 4
    return coded[(0, 2, 3)[before] : whole]


def _alternation(values: Iterable[str]) -> re.Pattern[str] | None:
    """Match any of the values, the longest first."""
    ordered = sorted(values, key=len, reverse=True)
    words = (
        re.escape(value) if len(value) >= WORD_UNDER else rf"(?<!\w){re.escape(value)}(?!\w)"
        for value in ordered
    )
    return re.compile("|".join(words)) if ordered else None


def _place_pattern(places: Iterable[str]) -> re.Pattern[str] | None:
    ordered = sorted(places, key=len, reverse=True)
    if not ordered:
        return None
    named = "|".join(re.escape(place) for place in ordered)
    return re.compile(rf"(?<![\w.~-])(?P<place>{named})(?:(?P<slash>/)|(?![\w-]))")


def _longest(value: str, fits: Callable[[str], bool]) -> int:
    """Give the size of the longest true beginning of `value` that fits; 0 for none that is long enough."""
    sizes = range(len(value) - 1, SHORTEST_PIECE - 1, -1)
    return next((size for size in sizes if fits(value[:size])), 0)


def _ends_with(text: str, end: int, piece: str) -> bool:
    return text.endswith(piece, 0, end)


def _begins_with(text: str, begin: int, reversed_piece: str) -> bool:
    return text.startswith(reversed_piece[::-1], begin)


def _apart(spans: list[Span]) -> list[Span]:
    """Order spans; of those that overlap the first counts, as long as all of them."""
    apart: list[Span] = []
    for start, end, new in sorted(spans, key=lambda span: (span[0], -span[1])):
        if apart and start < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]), apart[-1][2])
        else:
            apart.append((start, end, new))
    return apart


def _replaced(parts: Sequence[str], spans: Sequence[Span]) -> list[str]:
    """Replace spans of the joined parts: what stands for one goes where it begins."""
    done: list[str] = []
    begin = first = 0
    for part in parts:
        end, at, kept = begin + len(part), begin, []
        while first < len(spans) and spans[first][1] <= begin:
            first += 1  # ordered and apart: each is looked at where it stands, not from every part
        for place in range(first, len(spans)):
            start, stop, new = spans[place]
            if start >= end:
                break
            kept.append(part[at - begin : max(start, begin) - begin])
            kept.append(new if start >= begin else "")
            at = min(stop, end)
        done.append("".join(kept) + part[at - begin :])
        begin = end
    return done
