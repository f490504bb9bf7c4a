"""Four named people and an Authorizer of three tiers, for tests and for authors of plugins.

    vera   viewer   reads everything, changes nothing
    mona   member   a second member: what oscar owns is not hers
    oscar  member   the owner in the tests of ownership
    ada    admin

Configure a server with

    c.ServerApp.identity_provider_class = "agor_jupyter.testing.people.FourPeople"
    c.ServerApp.authorizer_class = "agor_jupyter.testing.people.TieredAuthorizer"

and be somebody with `Authorization: token vera-token` (see `token_of`) or, in a browser, by
opening a page once with `?token=vera-token` (the login cookie remembers). The server's own token
is ada's, so that pytest-jupyter's `jp_fetch` works unchanged. Never use these in production: the
tokens are public.
"""

from __future__ import annotations

from typing import Any, cast

from jupyter_server.auth import Authorizer, IdentityProvider, User
from jupyter_server.base.handlers import JupyterHandler
from tornado.web import RequestHandler

from agor_jupyter.domain.user import Action, Role

PEOPLE: dict[str, User] = {
    "vera": User("vera", "Vera", "Vera Viewer", "VV", None, "var(--jp-collaborator-color1)"),
    "mona": User("mona", "Mona", "Mona Member", "MM", None, "var(--jp-collaborator-color2)"),
    "oscar": User("oscar", "Oscar", "Oscar Owner", "OO", None, "var(--jp-collaborator-color3)"),
    "ada": User("ada", "Ada", "Ada Admin", "AA", None, "var(--jp-collaborator-color4)"),
}
TIERS: dict[str, Role] = {"vera": "viewer", "mona": "member", "oscar": "member", "ada": "admin"}

_ACTIONS: dict[Role, frozenset[Action]] = {
    "viewer": frozenset({"read"}),
    "member": frozenset({"read", "write", "execute"}),
    "admin": frozenset({"read", "write", "execute", "admin"}),
}
# What JupyterLab itself stores for each person while it only shows things.
_OWN_SHELF = frozenset({"workspaces", "settings"})


def token_of(username: str) -> str:
    """Name the token that makes a request come from `username`."""
    if username not in PEOPLE:
        raise KeyError(username)
    return f"{username}-token"


def headers_of(username: str) -> dict[str, str]:
    """Give the request headers that make a request come from `username`."""
    return {"Authorization": f"token {token_of(username)}"}


def allowed(role: Role, action: str, resource: str) -> bool:
    """Say whether a tier may do `action` on `resource`: the whole table of these tests."""
    if resource == "agor:settings" and action != "read":
        return role == "admin"
    if resource in _OWN_SHELF and action == "write":
        return True
    return action in _ACTIONS[role]


class FourPeople(IdentityProvider):
    """Know four people by their tokens, and by the login cookie that a token leaves."""

    async def get_user_token(self, handler: RequestHandler) -> User | None:
        token = self.get_token(handler)
        if not token:
            return None
        for name, person in PEOPLE.items():
            if token == token_of(name):
                return person
        return PEOPLE["ada"] if self.token and token == self.token else None

    def process_login_form(self, handler: RequestHandler) -> User | None:
        """Let the log-in page take a person's token as the password."""
        typed = cast(Any, handler).get_argument("password", default="")
        return next((person for name, person in PEOPLE.items() if typed == token_of(name)), None)


class TieredAuthorizer(Authorizer):
    """Grant by tier. `set_tier` changes a person at run time, for tests of re-checks."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tiers: dict[str, Role | None] = dict(TIERS)
        self.asked = 0

    def set_tier(self, username: str, role: Role | None) -> None:
        """Give `username` another tier from now on; None takes every right away."""
        self.tiers[username] = role

    def is_authorized(self, handler: JupyterHandler, user: User, action: str, resource: str) -> bool:
        self.asked += 1
        role = self.tiers.get(user.username)
        return role is not None and allowed(role, action, resource)


class OwnKernels(TieredAuthorizer):
    """The same tiers, but everybody may run notebooks of their own: viewers have kernels, too."""

    def is_authorized(self, handler: JupyterHandler, user: User, action: str, resource: str) -> bool:
        if resource == "kernels" and user.username in self.tiers:
            return True
        return super().is_authorized(handler, user, action, resource)
