"""The host keeps its promises whatever its adapter does: slow, failing, silent or too talkative."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from agor_jupyter.agents import registry
from agor_jupyter.agents.base import Capabilities, Decision, SessionSpec
from agor_jupyter.domain.content import Mode
from agor_jupyter.domain.errors import AgentUnavailable, AgorError, TimedOut, UnsupportedByAgent
from agor_jupyter.domain.events import (
    AgentUpdate,
    ModeChanged,
    Notice,
    PermissionRequest,
    PermissionResolved,
    TurnEnded,
)
from agor_jupyter.domain.ids import RequestId, SessionId, TaskId, UserId
from agor_jupyter.domain.policy import Policy
from agor_jupyter.executors.link import LocalLink
from agor_jupyter.runner import host as host_module
from agor_jupyter.runner.host import Host
from agor_jupyter.runner.log import read_file
from agor_jupyter.runner.protocol import Frame, RunnerEnded, RunnerSpec, TaskAccepted

TASK, OTHER = TaskId("task_0000000000000001"), TaskId("task_0000000000000002")


class Adapter:
    """Does what a test tells it to; remembers what it was told."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[AgentUpdate | Exception | None] = asyncio.Queue()
        self.told: list[tuple[object, ...]] = []
        self.start_gate = asyncio.Event()
        self.start_gate.set()
        self.prompt_gate = asyncio.Event()
        self.prompt_gate.set()
        self.close_gate = asyncio.Event()
        self.close_gate.set()
        self.start_error: Exception | None = None
        self.prompt_error: Exception | None = None
        self.last_words: list[AgentUpdate] = []
        self.in_turn = False
        self.environment: dict[str, str] = {}

    async def start(self, spec: SessionSpec) -> None:
        self.environment = spec.environment
        await self.start_gate.wait()
        if self.start_error:
            raise self.start_error

    async def prompt(self, task_id: TaskId, text: str, attachments: object) -> None:
        await self.prompt_gate.wait()
        if self.prompt_error:
            raise self.prompt_error
        self.told.append(("prompt", text))
        self.in_turn = True

    async def interrupt(self) -> None:
        self.told.append(("interrupt",))
        if self.in_turn:
            self.in_turn = False
            self.queue.put_nowait(TurnEnded(stop_reason="cancelled"))

    async def steer(self, text: str, attachments: object) -> None:
        self.told.append(("steer", text))

    async def answer(self, request_id: RequestId, decision: Decision) -> None:
        self.told.append(("answer", request_id, decision.option_id))

    async def set_mode(self, mode: Mode) -> None:
        self.told.append(("mode", mode))

    async def set_model(self, model: str) -> None:
        await asyncio.sleep(60)

    async def events(self) -> AsyncIterator[AgentUpdate]:
        while (item := await self.queue.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    async def close(self) -> None:
        self.told.append(("close",))
        await self.close_gate.wait()
        for update in self.last_words:
            self.queue.put_nowait(update)
        self.queue.put_nowait(None)


class Kind:
    kind = "fake"
    title = "Fake"
    capabilities = Capabilities()

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    def make(self) -> Adapter:
        return self._adapter


class Stand:
    """A host in this process, its adapter, and a link to it."""

    def __init__(self, adapter: Adapter, spec: RunnerSpec) -> None:
        self.adapter = adapter
        self.spec = spec
        self.host = Host(spec)
        self.job = asyncio.create_task(self.host.run())
        self._links: list[LocalLink] = []

    async def link(self) -> LocalLink:
        async with asyncio.timeout(5):
            while not Path(self.spec.socket_path).exists():
                await asyncio.sleep(0.01)
        found = await LocalLink.open(self.spec.socket_path, 0)
        self._links.append(found)
        return found

    def updates(self) -> list[object]:
        lines = read_file(self.spec.log_path, 0)
        return [Frame.model_validate_json(line).update for _, line in lines]

    async def wait(self, accept: Callable[[list[object]], bool]) -> list[object]:
        async with asyncio.timeout(5):
            while not accept(self.updates()):
                await asyncio.sleep(0.01)
        return self.updates()

    async def ended(self) -> RunnerEnded:
        async with asyncio.timeout(10):
            await self.job
        last = self.updates()[-1]
        assert isinstance(last, RunnerEnded)
        return last

    async def close(self) -> None:
        for link in self._links:
            await link.disconnect()
        self.adapter.close_gate.set()
        self.host._end("closed")
        async with asyncio.timeout(10):
            await self.job


@pytest.fixture
async def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stand]:
    runtime = tempfile.mkdtemp(prefix="agt-", dir="/tmp")
    adapter = Adapter()
    monkeypatch.setattr(registry, "get", lambda kind: Kind(adapter))
    monkeypatch.setattr(Host, "_catch_signals", lambda self: None)
    monkeypatch.setattr(host_module, "trim_output", lambda path: None)
    spec = RunnerSpec(
        run_id="run_0000000000000001",
        agent="fake",
        session=SessionSpec(
            session_id=SessionId("ses_0000000000000001"), worktree="/w", state_dir=str(tmp_path)
        ),
        policy=Policy(worktree="/w"),
        log_path=str(tmp_path / "events.jsonl"),
        socket_path=f"{runtime}/s.sock",
    )
    found = Stand(adapter, spec)
    yield found
    await found.close()
    shutil.rmtree(runtime)


def request(kind: str = "execute", number: int = 1) -> PermissionRequest:
    return PermissionRequest.model_validate(
        {
            "request_id": f"req_{number}",
            "title": "make",
            "kind": kind,
            "input": {"command": "make"},
            "options": [{"option_id": "yes", "name": "Allow", "kind": "allow_once"}],
            "digest": "d",
        }
    )


async def test_an_interrupt_waits_for_the_prompt_on_its_way(stand: Stand) -> None:
    link = await stand.link()
    stand.adapter.prompt_gate.clear()
    await link.prompt(TASK, "Go.", ())
    stopping = asyncio.create_task(link.interrupt())
    await asyncio.sleep(0.1)
    stand.adapter.prompt_gate.set()
    await stopping
    updates = await stand.wait(lambda found: isinstance(found[-1], TurnEnded))
    assert TurnEnded(stop_reason="cancelled") in updates


async def test_an_interrupt_while_the_agent_starts_withdraws_the_prompt(stand: Stand) -> None:
    stand.adapter.start_gate.clear()
    link = await stand.link()
    await link.prompt(TASK, "Go.", ())
    await link.interrupt()
    await stand.wait(lambda found: isinstance(found[-1], TurnEnded))
    stand.adapter.start_gate.set()
    await link.prompt(OTHER, "Now.", ())
    async with asyncio.timeout(5):
        while ("prompt", "Now.") not in stand.adapter.told:
            await asyncio.sleep(0.01)
    assert ("prompt", "Go.") not in stand.adapter.told


async def test_an_interrupt_is_acknowledged_though_the_agent_does_not_stop(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_module, "INTERRUPT_SECONDS", 0.1)

    async def never() -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(stand.adapter, "interrupt", never)
    link = await stand.link()
    await link.prompt(TASK, "Go.", ())
    async with asyncio.timeout(2):
        await link.interrupt()


@pytest.mark.parametrize("error", [AgentUnavailable("no credit", hint="Pay."), RuntimeError("a bug")])
async def test_a_prompt_that_fails_ends_its_turn(stand: Stand, error: Exception) -> None:
    stand.adapter.prompt_error = error
    link = await stand.link()
    await link.prompt(TASK, "Go.", ())
    updates = await stand.wait(lambda found: isinstance(found[-1], TurnEnded))
    ended = updates[-1]
    assert isinstance(ended, TurnEnded)
    assert ended.stop_reason == "failed"
    assert str(error) in ended.error
    stand.adapter.prompt_error = None
    await link.prompt(OTHER, "Again.", ())


@pytest.mark.parametrize("error", [None, AgentUnavailable("it broke"), RuntimeError("a bug")])
async def test_an_agent_that_goes_ends_the_runner(stand: Stand, error: Exception | None) -> None:
    link = await stand.link()
    await link.prompt(TASK, "Go.", ())
    stand.adapter.queue.put_nowait(request())
    await stand.wait(lambda found: isinstance(found[-1], PermissionRequest))
    stand.adapter.queue.put_nowait(error)
    ended = await stand.ended()
    assert ended.reason == "agent_exited"
    assert (str(error) if error else "gone") in ended.error
    resolved = [item for item in stand.updates() if isinstance(item, PermissionResolved)]
    assert [item.outcome for item in resolved] == ["cancelled"]


@pytest.mark.parametrize("error", [AgentUnavailable("not logged in", hint="Log in."), RuntimeError("a bug")])
async def test_a_start_that_fails_is_told(stand: Stand, error: Exception) -> None:
    stand.adapter.start_error = error
    ended = await stand.ended()
    assert ended.reason == "start_failed"
    assert str(error) in ended.error
    assert not Path(stand.spec.socket_path).exists()


async def test_a_start_that_fails_for_what_the_agent_lacks_names_it(stand: Stand) -> None:
    stand.adapter.start_error = UnsupportedByAgent("fake", "fork", hint="Begin anew.")
    ended = await stand.ended()
    assert (ended.reason, ended.capability, ended.hint) == ("start_failed", "fork", "Begin anew.")


async def test_an_agent_that_does_not_close_is_left(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_module, "CLOSE_SECONDS", 0.1)
    monkeypatch.setattr(host_module, "LAST_WORDS_SECONDS", 0.1)
    stand.adapter.close_gate.clear()
    link = await stand.link()
    await link.close_runner()
    assert (await stand.ended()).reason == "closed"


async def test_a_turn_that_no_prompt_began_ends_nothing(stand: Stand) -> None:
    link = await stand.link()
    stand.adapter.queue.put_nowait(TurnEnded(stop_reason="end_turn"))
    stand.adapter.queue.put_nowait(Notice(text="after"))
    updates = await stand.wait(lambda found: isinstance(found[-1], Notice))
    assert not any(isinstance(item, TurnEnded) for item in updates)
    await link.disconnect()


async def test_the_last_words_of_the_agent_are_recorded(stand: Stand) -> None:
    link = await stand.link()
    stand.adapter.last_words = [Notice(text=str(number)) for number in range(50)] + [Notice(text="farewell")]
    await link.close_runner()
    await stand.ended()
    assert Notice(text="farewell") in stand.updates()
    frames = [frame.update async for _, frame in link.frames()]
    assert Notice(text="farewell") in frames
    assert isinstance(frames[-1], RunnerEnded)


async def test_what_the_agent_does_after_its_mode_changed(stand: Stand) -> None:
    await stand.link()
    stand.adapter.queue.put_nowait(ModeChanged(mode="full_auto"))
    stand.adapter.queue.put_nowait(ModeChanged(mode="full_auto"))  # an echo says nothing new
    stand.adapter.queue.put_nowait(request())
    updates = await stand.wait(lambda found: isinstance(found[-1], PermissionResolved))
    assert sum(isinstance(item, ModeChanged) for item in updates) == 1
    async with asyncio.timeout(5):
        while ("answer", "req_1", "yes") not in stand.adapter.told:
            await asyncio.sleep(0.01)


async def test_a_slow_command_is_given_up(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_module, "COMMAND_SECONDS", 0.1)
    link = await stand.link()
    with pytest.raises(TimedOut):
        await link.set_model("m", by="robin")
    await link.prompt(TASK, "Go.", ())


async def test_a_bug_in_a_command_is_told_and_the_rest_heard(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(mode: Mode) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(stand.adapter, "set_mode", broken)
    link = await stand.link()
    with pytest.raises(AgorError, match="ZeroDivisionError: a bug"):
        await link.set_mode("plan", by="robin")
    await link.prompt(TASK, "Go.", ())


async def test_the_agent_carries_the_markers(stand: Stand) -> None:
    await stand.link()
    async with asyncio.timeout(5):
        while not stand.adapter.environment:
            await asyncio.sleep(0.01)
    assert stand.adapter.environment["AGOR_SESSION"] == "ses_0000000000000001"
    assert stand.adapter.environment["AGOR_RUN"] == "run_0000000000000001"


async def test_nonsense_on_the_socket_is_refused_and_the_rest_heard(stand: Stand) -> None:
    await stand.link()
    reader, writer = await asyncio.open_unix_connection(stand.spec.socket_path)
    nonsense = [b"", b"{", b"null", b"[1]", b'{"id": 7, "type": "fly"}', b"\xff\xfe", b'{"type":"attach"}']
    for line in nonsense:
        writer.write(line + b"\n")
    writer.write(b'{"type":"attach","id":8,"offset":0}\n')
    async with asyncio.timeout(5):
        answers = [json.loads(await reader.readline()) for _ in range(len(nonsense) + 1)]
    assert [answer["ack"] for answer in answers] == [-1, -1, -1, -1, 7, -1, -1, 8]
    assert all(answer["error"]["status"] == 400 for answer in answers[:-1])
    assert answers[-1]["error"] is None
    writer.close()
    await writer.wait_closed()


async def test_a_runner_on_the_same_log_knows_its_tasks(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    frames = [Frame(at_ms=1, task_id=TASK, update=TaskAccepted()), Frame(at_ms=2, update=Notice(text="x"))]
    path.write_text("".join(frame.model_dump_json() + "\n" for frame in frames) + '{"torn')
    from agor_jupyter.runner.host import _accepted_before
    from agor_jupyter.runner.log import Log

    log = Log(str(path))
    assert _accepted_before(log) == {TASK}
    log.close()


async def test_words_in_between_wait_for_the_prompt_on_its_way(stand: Stand) -> None:
    link = await stand.link()
    stand.adapter.prompt_gate.clear()
    await link.prompt(TASK, "Go.", ())
    steering = asyncio.create_task(link.steer(TASK, "Faster.", (), by=UserId("ann")))
    await asyncio.sleep(0.1)
    stand.adapter.prompt_gate.set()
    await steering
    assert stand.adapter.told == [("prompt", "Go."), ("steer", "Faster.")]
