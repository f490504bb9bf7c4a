"""A look at a board as a browser has it: both documents, synchronised over their websockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from typing import Any

from pycrdt import Doc, Map, YMessageType, create_sync_message, handle_sync_message
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

SYNC_SECONDS = 10.0
GOODBYE_SECONDS = 2.0


@dataclass(frozen=True)
class BoardLook:
    """The ids of the cards that lie on the board, and the rows of its sessions, by id."""

    cards: frozenset[str]
    sessions: dict[str, dict[str, Any]]


def look(url: str, token: str, board_id: str) -> BoardLook:
    """Fetch both documents of a board. Blocking."""

    async def both() -> tuple[Doc[Any], Doc[Any]]:
        address = f"{url.replace('http', 'ws', 1)}agor/api/v1/rooms/{board_id}"
        return await _fetch(address, token), await _fetch(f"{address}/status", token)

    layout, status = asyncio.run(both())
    rows = layout_rows(status, "sessions")
    return BoardLook(
        cards=frozenset(layout.get("cards", type=Map).keys()),
        sessions={key: json.loads(value) for key, value in rows.items()},
    )


def layout_rows(document: Doc[Any], name: str) -> dict[str, str]:
    rows: Map[Any] = document.get(name, type=Map)
    return {key: rows[key] for key in rows.keys()}  # noqa: SIM118  # a pycrdt Map is no dict


async def _fetch(address: str, token: str) -> Doc[Any]:
    document: Doc[Any] = Doc()
    headers = {"Authorization": f"token {token}"}
    socket = await websocket_connect(HTTPRequest(f"{address}?clientId={document.client_id}", headers=headers))
    try:
        async with asyncio.timeout(SYNC_SECONDS):
            await socket.write_message(create_sync_message(document), binary=True)
            while True:
                message = await socket.read_message()
                if not isinstance(message, bytes):
                    raise ConnectionError("The board's room closed the connection.")
                if message[0] == YMessageType.SYNC:
                    answer = handle_sync_message(message[1:], document)
                    if answer is not None:
                        await socket.write_message(answer, binary=True)
                    if message[1] == 1:  # step 2: the room has told all it has
                        return document
    finally:
        await _hang_up(socket)


async def _hang_up(socket: WebSocketClientConnection) -> None:
    """Say goodbye, and wait for the room's: a socket that is open when the loop ends stays open."""
    socket.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GOODBYE_SECONDS):
            while await socket.read_message() is not None:
                continue  # what the room said meanwhile
