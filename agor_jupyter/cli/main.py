"""`jupyter agor …`: the demo, and the runners that outlive a server."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from agor_jupyter import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, run one command, give its exit code."""
    from agor_jupyter.cli import demo, runners

    parser = argparse.ArgumentParser(prog="jupyter agor", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (demo, runners):
        module.add_to(commands)
    chosen = parser.parse_args(arguments)
    return int(chosen.run(chosen))


if __name__ == "__main__":
    sys.exit(main())
