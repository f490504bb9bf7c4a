"""No agent calls home: each works in a network with nothing but the loopback, and tries nothing else.

Needs Linux and root (an empty network namespace); elsewhere all are skipped. Where `strace` is there, every
address that any process of the agent connects or sends to is looked at: what fails in an empty network would
go unnoticed.

A chosen set of cases runs each time; with `AGOR_WHOLE_SILENCE=1` the whole conformance suite on the
adapter alone, and the time of each kind is printed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agor_jupyter.testing.harnesses import HARNESSES

CASES = ("streams_text", "edit_writes", "command_output", "uses_a_house_tool", "ready")
WITHOUT_MODEL = ("acp", "demo")
WHOLE = bool(os.environ.get("AGOR_WHOLE_SILENCE"))
SECONDS = 1800 if WHOLE else 240
ADDRESS = re.compile(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')


def strangers(trace: str) -> set[str]:
    """Find the addresses in what `strace` wrote that are not of this machine's loopback."""
    found = {four or six for four, six in ADDRESS.findall(trace)}
    return {each for each in found if not each.startswith(("127.", "::ffff:127.")) and each != "::1"}


def why_not() -> str:
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return "a network namespace needs Linux and `unshare`"
    tried = subprocess.run(["unshare", "-n", "true"], capture_output=True, text=True, timeout=30)
    return f"no network namespace here: {tried.stderr.strip()}" if tried.returncode else ""


def in_empty_network(folder: Path, *command: str) -> tuple[subprocess.CompletedProcess[str], str | None]:
    """Run a command; give it, and what was traced (None: without strace)."""
    trace = folder / "trace"
    strace: tuple[str, ...] = ()
    if shutil.which("strace"):
        calls = "trace=connect,sendto,sendmsg,sendmmsg"
        strace = ("strace", "-f", "-qq", "-s", "0", "-e", calls, "-e", "signal=none", "-o", str(trace))
    loopback = (sys.executable, str(Path(__file__).with_name("loopback.py")))
    done = subprocess.run(
        ["unshare", "-n", *loopback, *strace, *command], capture_output=True, text=True, timeout=SECONDS
    )
    return done, trace.read_text(encoding="utf-8", errors="replace") if strace else None


@pytest.fixture(scope="module", autouse=True)
def namespaces() -> None:
    if reason := why_not():
        pytest.skip(reason)


def test_a_call_home_would_be_seen(tmp_path: Path) -> None:
    """The network is empty but for the loopback, and the trace shows who tried to leave it."""
    program = (
        "import contextlib, socket\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(server.getsockname()).close()\n"
        "with contextlib.suppress(OSError): socket.create_connection(('192.0.2.1', 443), timeout=2)\n"
        "with contextlib.suppress(OSError): socket.create_connection(('2001:db8::1', 443), timeout=2)\n"
        "print('done')\n"
    )
    done, trace = in_empty_network(tmp_path, sys.executable, "-c", program)
    assert done.stdout.strip() == "done", done.stderr
    if trace is not None:
        assert strangers(trace) == {"192.0.2.1", "2001:db8::1"}


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.parametrize("kind", sorted(HARNESSES))
def test_an_agent_is_silent(kind: str, tmp_path: Path) -> None:
    chosen = [word for case in CASES for word in ("--case", case)]
    if WHOLE:
        chosen = ["--drivers", "direct"]
    suite = (sys.executable, "-m", "agor_jupyter.testing.report", "--kind", kind, *chosen, "--json", "-")
    done, trace = in_empty_network(tmp_path, *suite)
    assert done.stdout, done.stderr[-3000:]
    (report,) = json.loads(done.stdout)
    if report["missing"]:
        pytest.skip(report["missing"])
    assert [each for each in report["outcomes"] if each["result"] == "failed"] == []
    passed = {(each["case"], each["driver"]) for each in report["outcomes"] if each["result"] == "passed"}
    assert {("streams_text", "direct"), ("edit_writes", "direct")} <= passed
    assert WHOLE or ("streams_text", "runner") in passed
    figures = ", ".join(f"{report[name]} {name}" for name in ("passed", "skipped", "failed"))
    print(f"{kind}: {figures} in {report['seconds']:.0f} s, in an empty network")
    if trace is not None:
        assert strangers(trace) == set()
        # What talks to a scripted model was really looked at.
        assert kind in WITHOUT_MODEL or '"127.0.0.1"' in trace
