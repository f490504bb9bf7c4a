"""Whether the OpenAI agent can be used here: looked up, never called and never imported."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Mapping
from urllib.parse import urlsplit

from agor_jupyter.agents.base import Probe

OFFICIAL_URL = "https://api.openai.com/v1"
INSTALL_HINT = (
    "Run `pip install 'agor-jupyter[openai]'` in the server's environment, then restart the server."
)
KEY_HINT = (
    "Set OPENAI_API_KEY among your keys. For a model server of your own, the Jupyter server is started "
    "with OPENAI_BASE_URL, or with the option `base_url`."
)

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""What the SDK takes; which of them a model knows, its server says."""


def look(environment: Mapping[str, str], base_url: str = "") -> Probe:
    """Look for the packages and a key. Reads the metadata of one package: run it in a thread.

    `base_url` is the server's option of that name; it goes before the variable, as it does for a session.
    """
    if not all(importlib.util.find_spec(name) for name in ("openai", "agents")):
        return Probe(installed=False, hint=INSTALL_HINT)
    authenticated = is_authenticated(environment, base_url)
    return Probe(
        installed=True,
        version=version(),
        authenticated=authenticated,
        hint=KEY_HINT if authenticated is False else "",
        efforts=EFFORTS,
    )


def version() -> str:
    try:
        return importlib.metadata.version("openai-agents")
    except importlib.metadata.PackageNotFoundError:
        return ""


def is_authenticated(environment: Mapping[str, str], base_url: str = "") -> bool | None:
    """Say whether a key is there. None: another server than OpenAI's may need none."""
    if environment.get("OPENAI_API_KEY"):
        return True
    return False if is_official(base_url or environment.get("OPENAI_BASE_URL", "")) else None


def is_official(base_url: str) -> bool:
    """Say whether an address (empty: the default) is OpenAI's own."""
    host = urlsplit(base_url).hostname or ""
    return not base_url or host == "openai.com" or host.endswith(".openai.com")
