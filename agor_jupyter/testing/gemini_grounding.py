"""What the Gemini API tells of its own web tools, as `gemini_server` plays it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agor_jupyter.testing.model_script import Text, Turn

BUILTIN = frozenset({"googleSearch", "urlContext"})


def of(turn: Turn) -> dict[str, Any]:
    """Give the metadata of a candidate: what was searched for and found, which pages were read."""
    searches = [look for look in turn.looked if look.query]
    pages = [look for look in turn.looked if look.url]
    told: dict[str, Any] = {}
    if searches:
        words = "".join(block.text for block in turn.blocks if isinstance(block, Text))
        chunks = [
            {"web": {"uri": source.url, "title": source.title}}
            for look in searches
            for source in look.sources
        ]
        told["groundingMetadata"] = {
            "searchEntryPoint": {"renderedContent": "<div>scripted suggestions</div>"},
            "webSearchQueries": [look.query for look in searches],
            "groundingChunks": chunks,
            "groundingSupports": [
                {
                    "segment": {"startIndex": 0, "endIndex": len(words.encode()), "text": words},
                    "groundingChunkIndices": list(range(len(chunks))),
                }
            ],
        }
    if pages:
        told["urlContextMetadata"] = {
            "urlMetadata": [
                {
                    "retrievedUrl": look.url,
                    "urlRetrievalStatus": f"URL_RETRIEVAL_STATUS_{'ERROR' if look.failed else 'SUCCESS'}",
                }
                for look in pages
            ]
        }
    return told


def refusal(body: Mapping[str, Any]) -> str:
    """As the API does: refuse its own tools beside functions, where the request does not ask for both."""
    offered = {name for tool in body.get("tools") or () for name in tool}
    both = "functionDeclarations" in offered and bool(offered & BUILTIN)
    if both and not (body.get("toolConfig") or {}).get("includeServerSideToolInvocations"):
        return (
            "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools "
            "with Function calling."
        )
    return ""
