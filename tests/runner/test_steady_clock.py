"""A machine's clock that is set while a task runs changes nothing of what the task took."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from agor_jupyter.domain.events import Notice
from agor_jupyter.domain.ids import TaskId
from agor_jupyter.runner.log import Log
from agor_jupyter.runner.protocol import Frame, TaskAccepted
from agor_jupyter.runner.recorder import Recorder
from agor_jupyter.runner.steady_clock import SteadyClock, passed_ns

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
ONE, TWO = TaskId("task_0000000000000001"), TaskId("task_0000000000000002")


class Machine:
    """A clock on the wall that can be set, and time that passes."""

    def __init__(self) -> None:
        self.wall, self.passed = 100 * DAY_NS, 5 * SECOND_NS

    def let_pass(self, seconds: int) -> None:
        self.wall += seconds * SECOND_NS
        self.passed += seconds * SECOND_NS

    def clock(self, *, follows: bool = False) -> SteadyClock:
        return SteadyClock(lambda: self.wall, lambda: self.passed, follows=follows)


async def test_a_jump_in_mid_task_is_followed_with_the_next_one(tmp_path: Path) -> None:
    machine = Machine()
    log = Log(str(tmp_path / "events.jsonl"))
    recorder = Recorder(log, machine.clock())
    for task_id, jump in ((ONE, DAY_NS), (TWO, -DAY_NS)):
        recorder.record(TaskAccepted(), task_id)
        machine.let_pass(2)
        machine.wall += jump
        recorder.record(Notice(text="Later."), task_id)
    recorder.close()
    times = [Frame.model_validate_json(line).at_ms for _, line in log.read(0)]
    log.close()
    begun = 100 * 86_400_000
    assert times == [begun, begun + 2_000, begun + 86_400_000 + 2_000, begun + 86_400_000 + 4_000]


def test_a_server_follows_a_clock_that_stays_set_and_no_other() -> None:
    machine = Machine()
    clock = machine.clock(follows=True)
    begun = clock()
    machine.wall += DAY_NS  # and back within the hour: nobody saw it
    machine.let_pass(60)
    assert clock() == begun + 60_000
    machine.wall -= DAY_NS
    machine.let_pass(3600)
    assert clock() == begun + 3_660_000
    machine.wall -= DAY_NS
    assert clock() == begun + 3_660_000
    machine.let_pass(3599)
    assert clock() == begun + 7_259_000
    machine.let_pass(1)
    clock()
    assert clock() == begun + 7_260_000 - 86_400_000


def test_time_passes_while_the_machine_sleeps_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert passed_ns() <= passed_ns()
    monkeypatch.setattr(time, "CLOCK_BOOTTIME", 1007, raising=False)
    monkeypatch.setattr(time, "clock_gettime_ns", lambda number: number * SECOND_NS, raising=False)
    assert passed_ns() == 1007 * SECOND_NS
    monkeypatch.delattr(time, "CLOCK_BOOTTIME")
    monkeypatch.setattr(time, "monotonic_ns", lambda: 5)
    assert passed_ns() == 5, "where there is no such clock"
