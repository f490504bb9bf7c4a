"""`%agor` and `%%agor` for any IPython kernel: the standard library and IPython only."""

from __future__ import annotations


def load(shell: object) -> None:
    """Register the magics with an IPython shell; `%load_ext agor_jupyter` ends here."""
    from agor_jupyter.magics.magics import load as register

    register(shell)
