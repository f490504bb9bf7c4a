"""JSON over HTTP with a deadline, one connection a request. The token travels in a header only.

Blocking: call it from a thread (`asyncio.to_thread`). Not for following a stream: see `stream`.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit
from uuid import uuid4

from agor_jupyter.client.errors import ClientError, Unreachable

TIMEOUT_SECONDS = 30.0
MAX_BODY = 64 * 1024 * 1024
PREFIX = "agor/api/v1"

Json = Any  # what a server answers: the callers know its shape


@dataclass(frozen=True)
class Address:
    """A server's base URL, without query and token, ending in `/`."""

    secure: bool
    host: str
    port: int
    base: str

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}{self.base}"


def parse_url(url: str) -> tuple[Address, str]:
    """Split what a person may paste (`http://host:8888/user/ann/lab?token=…`) into address and token.

    The token is "" when the URL has none. Raises `ClientError` for what is no HTTP address.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ClientError("This is not the address of a Jupyter server.", hint="Give http://host:port/…")
    path = re.sub(r"/(?:lab|tree|notebooks|doc|api)(?:/.*)?$", "/", parts.path or "/")
    base = path if path.endswith("/") else path + "/"
    secure = parts.scheme == "https"
    token = parse_qs(parts.query).get("token", [""])[0]
    return Address(secure, parts.hostname, port or (443 if secure else 80), base), token


@dataclass(frozen=True)
class Http:
    """One server and how to speak to it."""

    address: Address
    token: str = field(default="", repr=False)
    timeout: float = TIMEOUT_SECONDS

    def connect(self, timeout: float | None = None) -> http.client.HTTPConnection:
        seconds = self.timeout if timeout is None else timeout
        host, port = self.address.host, self.address.port
        if self.address.secure:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
        return http.client.HTTPConnection(host, port, timeout=seconds)

    def send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        *,
        body: Json = None,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> http.client.HTTPResponse:
        """Send one request and read the head of its answer. Raises `Unreachable` or the server's no."""
        sent = {"Accept": "application/json", **(headers or {})}
        if self.token:
            sent["Authorization"] = f"token {self.token}"
        if method == "POST":
            sent.setdefault("Idempotency-Key", uuid4().hex)
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        try:
            connection.request(method, self._target(path, query), body=data, headers=sent)
            response = connection.getresponse()
        except ssl.SSLError as error:
            raise Unreachable(f"{self.address.url} has no valid certificate: {error.reason}.") from None
        except TimeoutError:
            raise Unreachable(f"{self.address.url} did not answer in time.") from None
        except (OSError, http.client.HTTPException) as error:
            what = _why(error)
            raise Unreachable(f"No server answers at {self.address.url} ({what}).") from None
        if response.status >= 400:
            with response:
                raise problem_of(response.status, response.read(1_000_000))
        if response.status >= 300:
            response.close()
            raise ClientError(
                "The server asks to log in.", hint="Use `%agor connect URL TOKEN`.", status=response.status
            )
        return response

    def _target(self, path: str, query: Mapping[str, object] | None) -> str:
        pairs = {key: value for key, value in (query or {}).items() if value not in (None, "")}
        tail = f"?{urlencode(pairs)}" if pairs else ""
        return f"{self.address.base}{PREFIX}{quote(path, safe='/')}{tail}"

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Json = None,
        query: Mapping[str, object] | None = None,
        timeout: float | None = None,
    ) -> Json:
        """Send a request and give the JSON of its answer; None when the answer is empty."""
        connection = self.connect(timeout)
        try:
            with self.send(connection, method, path, body=body, query=query) as response:
                data = response.read(MAX_BODY)
        except TimeoutError:
            raise Unreachable(f"{self.address.url} did not answer in time.") from None
        except (OSError, http.client.HTTPException):
            raise Unreachable(f"{self.address.url} broke off its answer.") from None
        finally:
            connection.close()
        if not data:
            return None
        try:
            return json.loads(data)
        except ValueError:
            raise ClientError(
                f"{self.address.url} is not an Agor server.", hint="Is agor-jupyter enabled there?"
            ) from None


def _why(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, socket.gaierror):
        return "unknown host"
    return type(error).__name__


def problem_of(status: int, data: bytes) -> ClientError:
    """Read an error's body (RFC 9457, or Jupyter's own) into one line."""
    try:
        found = json.loads(data)
    except ValueError:
        found = {}
    problem: Mapping[str, object] = found if isinstance(found, dict) else {}
    detail = str(problem.get("detail") or problem.get("title") or problem.get("message") or "")
    hint = str(problem.get("hint") or "")
    if not detail:
        detail = _PLAIN.get(status, f"The server answered with an error ({status}).")
    if status in (401, 403) and "type" not in problem:
        detail, hint = _PLAIN[403], "Restart the kernel for a new token, or use `%agor connect URL TOKEN`."
    return ClientError(detail, hint=hint, status=status, fields=problem)


_PLAIN = {
    403: "The server does not let this kernel in.",
    404: "The server knows no such thing; is agor-jupyter enabled there?",
}
