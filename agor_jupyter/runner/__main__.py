"""`python -m agor_jupyter.runner`: read a `RunnerSpec` from standard input and host it.

Its standard output and error are the runner's own log for people; no prompt and no secret goes there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys

from agor_jupyter.runner import plugins


def main() -> int:
    """Become the leader of a session, read the spec, run. Gives the exit code."""
    with contextlib.suppress(PermissionError):  # the executor has made us a leader already
        os.setsid()
    text = sys.stdin.buffer.read()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    # The path to this package is the runner's own business: an agent must not import through it.
    os.environ.pop("PYTHONPATH", None)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    plugins.leave_aside()  # before the first model is made
    from pydantic import ValidationError

    from agor_jupyter.runner.host import Host
    from agor_jupyter.runner.protocol import RunnerSpec

    try:
        spec = RunnerSpec.model_validate_json(text)
    except ValidationError as error:
        # Without the input: it holds the agent's environment, and this is written to a log.
        print(f"the spec is wrong: {error.errors(include_input=False)}", file=sys.stderr)
        return 2

    async def run() -> int:
        return await Host(spec).run()

    return asyncio.run(run())


if __name__ == "__main__":
    sys.exit(main())
