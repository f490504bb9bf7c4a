"""Make `%%agor` an async cell: IPython does not await a cell magic, so the cell becomes an `await`.

An async cell leaves the kernel free for widgets (approve, stop) and for the person's own tasks, and
an interrupt reaches it as a cancellation. The ordinary magic stays registered beside it, for
terminals without an event loop, for completion and for `%%agor?`.
"""

from __future__ import annotations

_MAGIC = "%%agor"


def transform(lines: list[str]) -> list[str]:
    """Rewrite a `%%agor` cell, give every other one back as it is."""
    if not lines or not lines[0].startswith(_MAGIC):
        return lines
    rest = lines[0][len(_MAGIC) :]
    if rest[:1] not in ("", " ", "\t", "\n") or rest.strip() == "?":
        return lines
    body = "".join(lines[1:])
    return [
        f"await __import__('agor_jupyter.magics.magics', fromlist=['run']).run({rest.strip()!r}, {body!r})\n"
    ]
