"""Whether the Gemini API agent can be used here: looked up, never called and never imported."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Mapping

from agor_jupyter.agents.base import Probe

KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
"""In the order in which they count."""

INSTALL_HINT = (
    "Run `pip install 'agor-jupyter[gemini]'` in the server's environment, then restart the server."
)
KEY_HINT = "Set GEMINI_API_KEY (or GOOGLE_API_KEY) among your keys."


def look(environment: Mapping[str, str]) -> Probe:
    """Look for the package and a key. Reads the metadata of one package: run it in a thread."""
    if not is_installed():
        return Probe(installed=False, hint=INSTALL_HINT)
    authenticated = bool(key_of(environment))
    return Probe(
        installed=True,
        version=version(),
        authenticated=authenticated,
        hint="" if authenticated else KEY_HINT,
        models=(DEFAULT_MODEL,),
        default_model=DEFAULT_MODEL,
        efforts=EFFORTS,
    )


EFFORTS = ("minimal", "low", "medium", "high")
"""The thinking levels of the SDK that budgets know too."""

DEFAULT_MODEL = "gemini-flash-latest"
"""Google's own name for its present model of this class: a version's name would be gone in a year."""


def is_installed() -> bool:
    try:
        return importlib.util.find_spec("google.genai") is not None
    except ModuleNotFoundError:  # not even `google` is there
        return False


def version() -> str:
    try:
        return importlib.metadata.version("google-genai")
    except importlib.metadata.PackageNotFoundError:
        return ""


def key_of(environment: Mapping[str, str]) -> str:
    """Give the key, or nothing."""
    return next((environment[name] for name in KEYS if environment.get(name)), "")
