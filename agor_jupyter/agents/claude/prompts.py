"""A person's words and attachments as the content of a user message. Pure."""

from __future__ import annotations

from typing import Any

from agor_jupyter.domain.content import Attachment


def content_of(text: str, attachments: tuple[Attachment, ...]) -> str | list[dict[str, Any]]:
    """Give images as images, other files as text with their name, and the words last."""
    if not attachments:
        return text
    blocks: list[dict[str, Any]] = []
    for item in attachments:
        if item.media_type.startswith("image/"):
            source = {"type": "base64", "media_type": item.media_type, "data": item.data}
            blocks.append({"type": "image", "source": source})
        else:
            blocks.append({"type": "text", "text": f"File {item.name}:\n\n{item.data}"})
    return [*blocks, {"type": "text", "text": text}]
