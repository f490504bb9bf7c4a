"""Keeps pydantic from looking for its plugins, which it does as it makes the first model.

It would read what all that is installed says of itself, and the modules for that (mail, archives,
tables) stay: 2 MB of each runner, and some of its start. Nor should a stranger's plugin see
what passes through a session. `PYDANTIC_DISABLE_PLUGINS` imports those modules still, and the
agent's own programs would inherit it. The module that looks is pydantic's own business: should it
go, or ask in another way, pydantic does as it does everywhere.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from types import ModuleType
from typing import Any

LOADER = "pydantic.plugin._loader"
METADATA = "importlib.metadata"
ASKED = ("entry_points", "distributions")
"""What the loader asks of it; the latter in older releases."""


def leave_aside() -> None:
    """Import pydantic as if no package had a plugin for it. Too late where one of the two is there."""
    if LOADER in sys.modules or METADATA in sys.modules:
        return
    nothing = ModuleType(METADATA)
    vars(nothing).update(dict.fromkeys(ASKED, _none))
    sys.modules[METADATA] = nothing
    try:
        with contextlib.suppress(ImportError):
            importlib.import_module(LOADER)
    finally:
        del sys.modules[METADATA]


def _none(**_params: Any) -> tuple[()]:
    return ()
