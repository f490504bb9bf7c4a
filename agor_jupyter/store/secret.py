"""How a minted token looks and what is kept of it: its SHA-256, never the token."""

from __future__ import annotations

import hashlib
import secrets

PREFIX = "agor_"
ENTROPY_BYTES = 24


def new_token() -> str:
    return PREFIX + secrets.token_urlsafe(ENTROPY_BYTES)


def digest_of(token: str) -> str:
    """Hash a token. It has 192 random bits: a slow hash would add nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
