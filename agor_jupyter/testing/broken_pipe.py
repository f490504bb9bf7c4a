"""A program behind a pipe that breaks in the middle of a line. Run by its path; standard library only.

`broken_pipe.py MARK PROGRAM [ARGUMENT…]` passes the program's lines on until one holds `MARK`: half of
it is written, then the program is killed.
"""

from __future__ import annotations

import subprocess
import sys


def main() -> int:
    mark, *command = sys.argv[1:]
    # The same standard input, and whatever else it was given.
    program = subprocess.Popen(command, stdout=subprocess.PIPE, close_fds=False)
    assert program.stdout is not None  # noqa: S101  (it is a pipe)
    for line in program.stdout:
        if mark.encode() in line:
            sys.stdout.buffer.write(line[: len(line) // 2])
            sys.stdout.buffer.flush()
            program.kill()
            program.wait()
            return 1
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
    return program.wait()


if __name__ == "__main__":
    sys.exit(main())
