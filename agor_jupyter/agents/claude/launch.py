"""Become the Claude CLI with a clean environment, tied to the life of the runner.

Not imported: `options.write_launcher` runs this file with `python -I -S`. The SDK can only add
to the environment that it copies from our process, so the names that may stay are listed in
`AGOR_LAUNCH` and all else is dropped here. Keys leave the environment too: the CLI reads them
from a pipe, so neither `env` in its shell nor /proc shows them.
"""

import ctypes
import json
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
SECRETS = {
    "ANTHROPIC_API_KEY": "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR",
    "CLAUDE_CODE_OAUTH_TOKEN": "CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR",
}


def main() -> None:
    order = json.loads(os.environ["AGOR_LAUNCH"])
    if sys.platform == "linux":
        # TERM, not KILL: on TERM the CLI ends its own shells, a killed one leaves them behind.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != order["parent"]:
            sys.exit(143)  # the runner died before the kernel knew that we want to hear of it
    keep = set(order["keep"])
    environment = {name: value for name, value in os.environ.items() if name in keep}
    for name, descriptor_name in SECRETS.items():
        secret = environment.pop(name, "")
        if secret:
            environment[descriptor_name] = str(_pipe_of(secret.encode()))
    os.execve(order["cli"], [order["cli"], *sys.argv[1:]], environment)  # noqa: S606 - that is its job


def _pipe_of(secret: bytes) -> int:
    """Give the reading end of a pipe that holds `secret` (far below a pipe's 64 KiB)."""
    reading, writing = os.pipe()
    os.write(writing, secret)
    os.close(writing)
    os.set_inheritable(reading, True)
    return reading


if __name__ == "__main__":
    main()
