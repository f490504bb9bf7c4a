"""Makes handlers of the route table, and gives the list that the extension registers."""

from __future__ import annotations

import json
from typing import Any

from jupyter_server.utils import url_path_join
from tornado import web

from agor_jupyter.server.base import AgorHandler, method_of
from agor_jupyter.server.doors import guarded
from agor_jupyter.server.events import EventsHandler
from agor_jupyter.server.hub import EventHub
from agor_jupyter.server.openapi import PREFIX, document
from agor_jupyter.server.operation import Route
from agor_jupyter.server.table import ROUTES
from agor_jupyter.service.access import RULES
from agor_jupyter.service.house import House

Rule = tuple[str, type[web.RequestHandler]]
DESCRIBE = RULES["house.describe"]


class OpenapiHandler(AgorHandler):
    """Serves the document that this server keeps to."""

    @guarded(DESCRIBE)
    async def get(self) -> None:
        self.finish(json.dumps(document(self.base_url)))


class UnknownHandler(AgorHandler):
    """Answers for every address under the prefix that is none: a problem, not a page."""

    @guarded(DESCRIBE)
    async def get(self, path: str) -> None:
        raise web.HTTPError(404)

    @guarded(DESCRIBE)
    async def post(self, path: str) -> None:
        raise web.HTTPError(404)

    @guarded(DESCRIBE)
    async def put(self, path: str) -> None:
        raise web.HTTPError(404)

    @guarded(DESCRIBE)
    async def patch(self, path: str) -> None:
        raise web.HTTPError(404)

    @guarded(DESCRIBE)
    async def delete(self, path: str) -> None:
        raise web.HTTPError(404)


def handler_of(route: Route) -> type[AgorHandler]:
    """Make the handler class of one route, each of its verbs with its own action and resource."""
    members: dict[str, Any] = {
        operation.method.lower(): method_of(operation) for operation in route.operations
    }
    name = "".join(part.strip("{}").title() for part in route.path.split("/")) + "Handler"
    members["auth_resource"] = route.operations[0].rule.resource
    members["__module__"] = __name__
    return type(name, (AgorHandler,), members)


def routes(base_url: str) -> list[Rule]:
    """List `(pattern, handler)` for `ExtensionApp.handlers`, the catch-all last.

    `ExtensionApp` puts the base URL in front by itself: give "" there, and the base URL where the
    handlers are added to a web application by hand.
    """

    def at(path: str) -> str:
        return url_path_join(base_url, PREFIX, path) if base_url else f"/{PREFIX}{path}"

    fixed = sorted(ROUTES, key=lambda route: "{" in route.path)  # /repos/suggestions before /repos/{id}
    return [
        (at("/openapi.json"), OpenapiHandler),
        (at("/events"), EventsHandler),
        *((at(route.pattern), handler_of(route)) for route in fixed),
    ]


def unknown(base_url: str) -> list[Rule]:
    """Give the catch-all under the prefix: to be registered after every other handler of ours."""
    path = f"/{PREFIX}/(.*)"
    return [(url_path_join(base_url, path) if base_url else path, UnknownHandler)]


def open_server(settings: dict[str, Any], house: House) -> EventHub:
    """Hand the house to the handlers. Close the hub that this gives when the server stops."""
    hub = EventHub(house)
    settings["agor"] = house
    settings["agor_hub"] = hub
    return hub
