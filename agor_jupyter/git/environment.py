"""What every git command of the house runs with: its variables and its fixed configuration.

Not for what one repository brings along; that is `guard`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_INHERITED = frozenset(
    {
        "PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "XDG_CONFIG_HOME", "SSH_AUTH_SOCK",
        "http_proxy", "https_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO",
    }
)  # fmt: skip
"""Nothing else passes: a GIT_DIR or GIT_INDEX_FILE of the server would point at another checkout."""

_FIXED = {
    "LC_ALL": "C.UTF-8",  # messages are matched, and file names are bytes of UTF-8
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",  # set and empty: git looks at neither core.askPass nor SSH_ASKPASS
    "GIT_OPTIONAL_LOCKS": "0",  # a reader never takes index.lock from the agent (42 % of its adds failed)
    "GIT_EDITOR": "false",
    "GIT_PAGER": "cat",
}

CONFIGURATION: tuple[str, ...] = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.quotePath=false",
    "core.splitIndex=false",  # a temporary index must not leave shared parts in the repository
    "protocol.file.allow=user",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "gc.auto=0",  # no background child that outlives the command or holds the repository's lock
    "maintenance.auto=false",
    "advice.addEmbeddedRepo=false",
    "advice.detachedHead=false",
)
"""Given with `-c`, so it wins over every file and reaches the commands that git itself starts."""


def environment_for_git(outer: Mapping[str, str]) -> dict[str, str]:
    """Pick what git may inherit of `outer` and add what it must have."""
    return {name: value for name, value in outer.items() if name in _INHERITED} | _FIXED


def configuration_flags() -> list[str]:
    return [part for setting in CONFIGURATION for part in ("-c", setting)]


def configuration_variables(settings: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Spell settings as variables. Unlike `-c`, a name may hold a `=` (a filter's name may)."""
    pairs = list(settings)
    if not pairs:
        return {}
    variables = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for number, (name, value) in enumerate(pairs):
        variables[f"GIT_CONFIG_KEY_{number}"] = name
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables
