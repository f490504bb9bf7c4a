"""The files that a script reads and writes. Blocking: called in a thread."""

from __future__ import annotations

from pathlib import Path

from agor_jupyter.domain.errors import Unprocessable


def text_of(place: Path) -> str | None:
    """Give a file's text as it stands, line ends too; None where there is no file."""
    try:
        return place.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise Unprocessable(f"{place.name} is no UTF-8 text.") from error


def write_text(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(text.encode("utf-8"))
