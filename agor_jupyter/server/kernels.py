"""Give each kernel a scoped token of the person who starts it, so that its magics find this server.

The token stands in the kernel's environment only: in the server's own, every terminal and agent
would inherit it. It is good for our routes and ends with the kernel. A restarted kernel keeps it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

from jupyter_server import CallContext
from jupyter_server.auth import IdentityProvider, User
from jupyter_server.utils import ensure_async

from agor_jupyter.domain.errors import AgorError
from agor_jupyter.domain.ids import UserId
from agor_jupyter.domain.ports import TokenIssuer
from agor_jupyter.domain.user import LOCAL_USER
from agor_jupyter.server.roles import has_named_users

URL_VARIABLE = "AGOR_JUPYTER_URL"
TOKEN_VARIABLE = "AGOR_JUPYTER_TOKEN"  # noqa: S105  # a variable's name
PURPOSE = "kernel"

PersonOf = Callable[[], UserId | None]


class App(Protocol):
    """The part of `ServerApp` that is used here."""

    kernel_manager: Any  # a MappingKernelManager, or another one of the same verbs
    identity_provider: IdentityProvider

    @property
    def connection_url(self) -> str: ...


def inject(
    app: App,
    tokens: TokenIssuer,
    person_of: PersonOf | None = None,
    *,
    remember: Callable[[User], None] = lambda user: None,
    log: logging.Logger | None = None,
) -> Callable[[], None]:
    """Wrap the kernel manager's `start_kernel` and `shutdown_kernel`; gives what undoes it.

    `person_of` names who starts a kernel right now, None for nobody (then it gets no token); by
    default that is the request's user, whom `remember` is told of, or `local` where people are not
    told apart. A kernel whose token cannot be minted starts all the same.
    """
    manager = app.kernel_manager
    start, shutdown = manager.start_kernel, manager.shutdown_kernel
    who = person_of or (lambda: person_of_request(app.identity_provider, remember))
    logger = log or logging.getLogger(__name__)
    minted: dict[str, str] = {}

    async def start_kernel(*arguments: Any, **options: Any) -> Any:
        token = await _mint(tokens, who(), logger)
        if token is None:
            return await ensure_async(start(*arguments, **options))
        given = options.get("env")
        environment = dict(os.environ if given is None else given)
        environment |= {URL_VARIABLE: kernel_url(app.connection_url), TOKEN_VARIABLE: token}
        try:
            kernel_id = await ensure_async(start(*arguments, **{**options, "env": environment}))
        except BaseException:
            await tokens.revoke(token)
            raise
        before = minted.pop(str(kernel_id), None)
        minted[str(kernel_id)] = token
        if before is not None:
            await tokens.revoke(before)
        return kernel_id

    async def shutdown_kernel(kernel_id: str, *arguments: Any, **options: Any) -> Any:
        try:
            return await ensure_async(shutdown(kernel_id, *arguments, **options))
        finally:
            token = None if _restarts(arguments, options) else minted.pop(str(kernel_id), None)
            if token is not None:
                await tokens.revoke(token)

    manager.start_kernel, manager.shutdown_kernel = start_kernel, shutdown_kernel

    def undo() -> None:
        manager.start_kernel, manager.shutdown_kernel = start, shutdown

    return undo


def _restarts(arguments: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Read `shutdown_kernel(kernel_id, now=False, restart=False)`."""
    return bool(options.get("restart", arguments[1] if len(arguments) > 1 else False))


async def _mint(tokens: TokenIssuer, user: UserId | None, log: logging.Logger) -> str | None:
    if user is None:
        return None
    try:
        return await tokens.mint(user, PURPOSE)
    except AgorError as error:
        # A read-only server or a full disk: no reason for a kernel not to start.
        log.warning("A kernel starts without a token for Agor: %s", error.detail)
        return None


def person_of_request(provider: IdentityProvider, remember: Callable[[User], None]) -> UserId | None:
    """Name the person whose request this is; None outside of one, if people are told apart."""
    if not has_named_users(provider):
        return LOCAL_USER
    handler = CallContext.get(CallContext.JUPYTER_HANDLER)
    user = getattr(handler, "current_user", None)
    if not isinstance(user, User):
        return None
    remember(user)
    return UserId(user.username)


def kernel_url(connection_url: str) -> str:
    """Give the address for a kernel on this machine: no token in it, and never "all interfaces"."""
    parts = urlsplit(connection_url)
    netloc = parts.netloc.rpartition("@")[2]
    for everywhere, here in (("0.0.0.0", "127.0.0.1"), ("[::]", "[::1]")):  # noqa: S104  # taken out here
        if netloc == everywhere or netloc.startswith(f"{everywhere}:"):
            netloc = netloc.replace(everywhere, here, 1)
    path = parts.path if parts.path.endswith("/") else parts.path + "/"
    return f"{parts.scheme}://{netloc}{path}"
