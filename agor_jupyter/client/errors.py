"""What can go wrong when speaking to a server, each told in one line.

ClientError           the server said no, or something unreadable (`status`, `detail`, `hint`)
├── Unreachable       nobody answers at the address
└── NoServer          no server was found to speak to
"""

from __future__ import annotations

from collections.abc import Mapping


class ClientError(Exception):
    """One line for a person: what happened, and what to do. Never holds a token."""

    def __init__(
        self, detail: str, *, hint: str = "", status: int = 0, fields: Mapping[str, object] | None = None
    ) -> None:
        self.detail = " ".join(detail.split())
        self.hint = " ".join(hint.split())
        self.status = status
        self.fields = dict(fields or {})
        super().__init__(str(self))

    def __str__(self) -> str:
        return f"{self.detail} {self.hint}".strip()


class Unreachable(ClientError):
    pass


class NoServer(ClientError):
    pass
