"""Addresses in what a session's readers are told: where it is, never the way in. Pure."""

from __future__ import annotations

import re

MOST_CHARACTERS = 2000
_ADDRESS = re.compile(
    r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]{0,20}://)(?:[^\s/?#\"'<>]*@)?(?P<host>[^\s/?#\"'<>@]*)"
    r"(?P<rest>[^\s\"'<>]*)"
)


def shortened(text: str) -> str:
    """Leave of each address its scheme and host: a path, a query and a login may hold a token."""
    return _ADDRESS.sub(_host, text[:MOST_CHARACTERS])


def _host(found: re.Match[str]) -> str:
    return found["scheme"] + found["host"] + ("/…" if found["rest"].strip("/.,:;)") else found["rest"])
