"""A person's credentials, as far as they may be told: names and times, never a value."""

from __future__ import annotations

import re

from agor_jupyter.domain.model import Value

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Credential(Value):
    """That a person has set this variable, and when. Its value stands in the vault alone."""

    name: str
    set_ms: int


def is_variable(name: str) -> bool:
    """Say whether this can be the name of a variable."""
    return _NAME.fullmatch(name) is not None


def references_in(text: str) -> tuple[str, ...]:
    """Name the variables that `text` refers to as `${NAME}`, each once, in their order."""
    return tuple(dict.fromkeys(_REFERENCE.findall(text)))


def without_references(text: str) -> str:
    """Give what stands in `text` literally."""
    return _REFERENCE.sub("", text)
