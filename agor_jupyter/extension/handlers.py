"""The list of our handlers, the catch-all last."""

from __future__ import annotations

from typing import Any

from agor_jupyter.server.asgi import McpHandler
from agor_jupyter.server.rooms import room_routes
from agor_jupyter.server.routes import routes, unknown


def all_handlers() -> list[tuple[Any, ...]]:
    """List `(pattern, handler)`; `ExtensionApp` puts the base URL in front."""
    return [("/agor/mcp/?", McpHandler), *routes(""), *room_routes(""), *unknown("")]
