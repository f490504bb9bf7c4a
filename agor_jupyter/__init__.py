"""A multiplayer board for coding agents, native to Jupyter.

This module imports nothing: a kernel loads it for `%load_ext agor_jupyter` beside the standard
library and IPython only, and a server loads it for `_jupyter_server_extension_points`.
"""

from __future__ import annotations

__version__ = "0.1.0"


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "agor-jupyter"}]


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    from agor_jupyter.extension import AgorApp

    return [{"module": "agor_jupyter", "app": AgorApp}]


def load_ipython_extension(shell: object) -> None:
    from agor_jupyter.magics import load

    load(shell)
