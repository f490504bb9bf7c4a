"""`python loopback.py COMMAND…`: in a network namespace of its own, bring the loopback up, then run COMMAND.

`ip` is not on every machine; one ioctl does it.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import sys

SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1


def bring_up(name: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("16sH14s", name.encode(), 0, b"")
        (flags,) = struct.unpack_from("H", fcntl.ioctl(any_socket, SIOCGIFFLAGS, asked), 16)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14s", name.encode(), flags | IFF_UP, b""))


if __name__ == "__main__":
    bring_up("lo")
    os.execvp(sys.argv[1], sys.argv[1:])
