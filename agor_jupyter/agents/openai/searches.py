"""The provider's own web search, as calls that people see: what was looked for, found and cited. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agor_jupyter.agents.workbench.model import Hosted
from agor_jupyter.agents.workbench.tool import one_line

ITEM = "web_search_call"
SOURCES = "web_search_call.action.sources"
"""What a request must ask for, to be told what a search found."""


def call_of(event: Mapping[str, Any]) -> Hosted | None:
    """Take a search out of a stream's event: where it begins, and where it is done."""
    item = event.get("item")
    if not isinstance(item, Mapping) or item.get("type") != ITEM:
        return None
    match event.get("type"):
        case "response.output_item.added":
            return _hosted(item)
        case "response.output_item.done":
            return _hosted(item, result=_found(item))
        case _:
            return None


def cited(response: Mapping[str, Any]) -> Hosted | None:
    """Add the links that the answer cites to the last search that it made; the API does not say to which."""
    items = [item for item in response.get("output") or () if isinstance(item, Mapping)]
    last = next((item for item in reversed(items) if item.get("type") == ITEM), None)
    links = list(dict.fromkeys(_links(items)))
    if last is None or not links:
        return None
    return _hosted(last, result="\n".join([_found(last), "The answer cites:", *links]))


def bare(item: Mapping[str, Any]) -> dict[str, Any]:
    """Make an old search fit to be sent back: what it found was for people, and stands in the log."""
    action = item.get("action")
    if not isinstance(action, Mapping):
        return dict(item)
    return {**item, "action": {key: value for key, value in action.items() if key != "sources"}}


def _hosted(item: Mapping[str, Any], result: str | None = None) -> Hosted:
    action = item.get("action")
    given = dict(action) if isinstance(action, Mapping) else {}
    given = {key: value for key, value in given.items() if key not in ("type", "sources")}
    failed = item.get("status") in ("failed", "incomplete")
    return Hosted(str(item.get("id", "")), _title(item), "fetch", given, result, failed)


def _title(item: Mapping[str, Any]) -> str:
    match item.get("action"):
        case {"type": "search", "queries": [_, *_] as queries}:
            return one_line(f"Search the web: {', '.join(map(str, queries))}")
        case {"type": "search", "query": query}:
            return one_line(f"Search the web: {query}")
        case {"type": "open_page", "url": str(url)}:
            return one_line(f"Read {url}")
        case {"type": "find_in_page", "url": url, "pattern": pattern}:
            return one_line(f"Find {pattern} in {url}")
        case _:
            return "Search the web"


def _found(item: Mapping[str, Any]) -> str:
    action = item.get("action")
    sources = action.get("sources") if isinstance(action, Mapping) else None
    links = [str(source.get("url", "")) for source in sources or () if isinstance(source, Mapping)]
    if links:
        return "\n".join(["Found:", *dict.fromkeys(filter(None, links))])
    if item.get("status") in ("failed", "incomplete"):
        return "It failed; the provider does not say why."
    return "Done; the provider does not say what it found."


def _links(items: list[Mapping[str, Any]]) -> Iterator[str]:
    for item in items:
        for part in (item.get("content") or ()) if item.get("type") == "message" else ():
            for note in part.get("annotations") or ():
                if note.get("type") == "url_citation" and note.get("url"):
                    yield f"{note.get('title') or 'Untitled'}: {note['url']}"
