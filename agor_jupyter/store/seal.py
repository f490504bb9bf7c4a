"""The key of the stored credentials, and what is sealed with it (Fernet: AES-CBC with an HMAC).

The key stands in a file of its own in the data folder, 0600, made when the first credential is set.
Each line is a key: the first one seals, all of them open, so a new key is put in front of the old.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from agor_jupyter.domain.errors import CredentialsSealed, StorageFull
from agor_jupyter.domain.ids import UserId

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_AGAIN = "Remove the credential and set it again."


class Seal:
    """Seals and opens. Both read the key's file each time and block: use a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._making = threading.Lock()

    def close_up(self, user: UserId, name: str, value: str, *, first: bool) -> bytes:
        """Seal a value. The key is made only for the `first` one: else it is lost, and nobody hides that."""
        if first:
            with self._making:
                self._make()
        # Whose it is and how it is called are sealed with it: a row that was moved to another person's
        # name does not open there.
        return self._box().encrypt(json.dumps([user, name, value]).encode())

    def open(self, user: UserId, name: str, sealed: bytes) -> str:
        """Give the value back. Raises `CredentialsSealed`."""
        from cryptography.fernet import InvalidToken

        try:
            owner, called, value = json.loads(self._box().decrypt(sealed))
        except InvalidToken:
            raise CredentialsSealed(
                f"{name} was sealed with another key than the one in {self._path}.", hint=_AGAIN, name=name
            ) from None
        if owner != user or called != name:
            raise CredentialsSealed(f"{name} was not set by {user}.", hint=_AGAIN, name=name)
        return str(value)

    def _box(self) -> MultiFernet:
        from cryptography.fernet import Fernet, MultiFernet

        try:
            return MultiFernet([Fernet(line) for line in self._read().split()])
        except ValueError:
            raise CredentialsSealed(
                f"{self._path} holds no key.", hint="Restore it from a backup.", path=str(self._path)
            ) from None

    def _read(self) -> bytes:
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise CredentialsSealed(
                f"The key of the stored credentials is gone: {self._path}.",
                hint="Restore it from a backup. Without one the credentials are lost: remove them, then set "
                "them again.",
                path=str(self._path),
            ) from None
        except OSError as error:
            raise CredentialsSealed(
                f"{self._path} cannot be read: {error.strerror}.",
                hint="It must be a file of this server's user.",
                path=str(self._path),
            ) from error
        with os.fdopen(file, "rb") as opened:
            state = os.fstat(file)
            if state.st_mode & 0o077 or state.st_uid != os.geteuid():
                raise CredentialsSealed(
                    f"Others can read {self._path} (mode {state.st_mode & 0o777:o}).",
                    hint=f"Run `chmod 600 {self._path}`, and replace what somebody may have read.",
                    path=str(self._path),
                )
            return opened.read(64 * 1024)

    def _make(self) -> None:
        """Make the key, whole or not at all. One that is there stays."""
        from cryptography.fernet import Fernet

        part = self._path.with_name(f"{self._path.name}.part")
        try:
            part.unlink(missing_ok=True)
            file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(file, "wb") as opened:
                opened.write(Fernet.generate_key() + b"\n")
                opened.flush()
                os.fsync(file)
            with contextlib.suppress(FileExistsError):
                os.link(part, self._path)
            part.unlink()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFull(
                    "The key of the credentials could not be stored.", hint="Free some space."
                ) from error
            raise
