"""`%agor` and `%%agor` in a real kernel, against a server that speaks the wire."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agor_jupyter.magics.fold import TURN_MIME
from tests.client.fake import ASK, SES, TOKEN, World, ended, said
from tests.magics.conftest import Kernel

# ipykernel and zmq leave sockets to the garbage collector when a kernel is killed.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


async def test_a_cell_streams_into_one_display(kernel: Kernel, world: World) -> None:
    world.script = [said(f"w{n} ") for n in range(60)] + [ended()]
    ran = await kernel.run(f"%%agor {SES}\nsay {{hello}} to $HOME")
    assert ran.status == "ok", ran.error
    assert len(ran.outputs) == 1
    turn = ran.display[TURN_MIME]
    assert turn["state"] == "end_turn"
    assert turn["blocks"][0]["text"].endswith("w59 ")
    assert "w59 " in ran.display["text/markdown"]
    assert next(iter(world.tasks.values()))["prompt"] == "say {hello} to $HOME", "sent verbatim"
    assert 1 <= ran.updates <= 20


async def test_the_session_used_last_is_used_again(kernel: Kernel, world: World) -> None:
    ran = await kernel.run("%%agor\nhello")
    assert "Name a session, or a worktree" in "".join(ran.error)
    assert (await kernel.run("%%agor fix\nhello")).status == "ok"
    assert (await kernel.run("%%agor\nagain")).status == "ok"
    assert [task["prompt"] for task in world.tasks.values()] == ["hello", "again"]


async def test_a_worktree_gets_a_new_session(kernel: Kernel, world: World) -> None:
    assert (await kernel.run("%%agor -w fix-parser --agent demo --mode plan\nhello")).status == "ok"
    assert world.sessions[0] | {"worktree_id": "wt_1", "agent": "demo", "mode": "plan"} == world.sessions[0]
    assert len(world.sessions) == 2
    assert world.sessions[0]["title"] == "hello"


@pytest.mark.parametrize("cell", [f"%%agor {SES}\ngo on", f"%autoawait False\n%agor open {SES}"])
async def test_an_interrupt_stops_the_agent(kernel: Kernel, world: World, cell: str) -> None:
    world.script = [said("working "), "…"]
    if "autoawait" in cell:
        # Without an event loop for cells the ordinary magic does the same from a thread.
        assert (await kernel.run(cell)).status == "ok"
        code = "get_ipython().run_cell_magic('agor', '', 'go on')"
    else:
        code = cell
    sent: list[bool] = []

    async def interrupt(data: dict[str, Any]) -> None:
        if TURN_MIME in data and data[TURN_MIME]["blocks"] and not sent:
            sent.append(True)
            await kernel.manager.interrupt_kernel()

    ran = await kernel.run(code, on_update=interrupt)
    assert ran.status == "error"
    assert "interrupted; the agent was stopped" in ran.error[-1]
    assert len(ran.error) == 1
    assert world.interrupted.is_set()
    assert ran.display[TURN_MIME]["state"] == "interrupted", "its last words are shown"
    assert "Stopping." in ran.display["text/markdown"]


async def test_an_interrupt_takes_a_waiting_prompt_back(kernel: Kernel, world: World) -> None:
    """Another prompt of the session is at work: that one must not be stopped."""
    world.queued = True
    sent: list[bool] = []

    async def interrupt(data: dict[str, Any]) -> None:
        if TURN_MIME in data and not sent:
            sent.append(True)
            asyncio.get_running_loop().call_later(
                0.3, lambda: asyncio.ensure_future(kernel.manager.interrupt_kernel())
            )

    ran = await kernel.run(f"%%agor {SES}\nlater", on_update=interrupt)
    assert ran.status == "error"
    assert not world.interrupted.is_set()
    assert [event["update"]["type"] for event in world.events] == ["task_queued", "task_removed"]


async def test_an_interrupt_while_the_prompt_is_sent_leaves_nothing_behind(
    kernel: Kernel, world: World
) -> None:
    world.script, world.slow_post = ["…"], 1.0
    asyncio.get_running_loop().call_later(
        0.6, lambda: asyncio.ensure_future(kernel.manager.interrupt_kernel())
    )
    ran = await kernel.run(f"%%agor {SES}\ngo")
    assert ran.status == "error"
    assert len(ran.error) == 1
    kinds = [event["update"]["type"] for event in world.events]
    assert kinds in ([], ["task_queued", "task_removed"]) or world.interrupted.is_set(), kinds


async def test_the_kernel_stays_free_while_the_agent_works(kernel: Kernel, world: World) -> None:
    code = (
        "import asyncio\nticks = []\n"
        "async def tick():\n    while True:\n        ticks.append(1)\n        await asyncio.sleep(0.01)\n"
        "job = asyncio.ensure_future(tick())"
    )
    assert (await kernel.run(code)).status == "ok"
    world.script = [said(f"w{n} ") for n in range(30)] + [ended()]
    assert (await kernel.run(f"%%agor {SES}\ngo")).status == "ok"
    assert int((await kernel.run("print(len(ticks)); job.cancel()")).text) > 20


async def test_approvals_are_answered_by_a_line(kernel: Kernel, world: World) -> None:
    world.script = [ASK, ended()]
    ran = await kernel.run(f"%%agor {SES}\ngo")
    assert "%agor answer req_aaaaaaaa1234abcd" in ran.display["text/markdown"]
    world.pending.append({"id": ASK["request_id"], "session_id": SES, "request": ASK, "resolved": None})
    ran = await kernel.run("%agor answer req_aaaa allow go ahead")
    assert ran.text == "Allowed once: Write parser.py “go ahead”\n"
    assert world.answers == [
        {"id": ASK["request_id"], "option_id": "o1", "message": "go ahead", "digest": "d1"},
    ]
    assert "waits: Write parser.py" in (await kernel.run("%agor status")).text


async def test_the_status_shows_what_is_asked_for_and_where(kernel: Kernel, world: World) -> None:
    command = "make clean\n" + "\n".join(f"echo {n}" for n in range(30))
    asked = {**ASK, "title": "Tidy up", "kind": "execute", "input": {"command": command}}
    world.pending.append({"id": ASK["request_id"], "session_id": SES, "request": asked, "resolved": None})
    status = (await kernel.run("%agor status")).text
    assert "in Fix the parser" in status and "| make clean" in status and "allow|always|reject" in status
    assert "echo 18" in status and "echo 19" not in status and "11 lines more" in status


async def test_the_help_fits_into_a_notebook(kernel: Kernel) -> None:
    lines = (await kernel.run("%agor help")).text.splitlines()
    assert len(lines) > 10 and max(map(len, lines)) <= 100


async def test_several_questions_are_answered_by_one_line(kernel: Kernel, world: World) -> None:
    asked = {
        **ASK,
        "description": "No passwords here.\nMore of it.",
        "options": [],
        "questions": [{"question": "Which?", "header": "Pick"}, {"question": "Why?"}],
    }
    world.pending.append({"id": ASK["request_id"], "session_id": SES, "request": asked, "resolved": None})
    status = (await kernel.run("%agor status")).text
    assert f'%agor answer {ASK["request_id"]} "ANSWER 1" "ANSWER 2"' in status
    assert "Which?" in status and "Why?" in status
    assert "No passwords here." in status and "More of it." not in status
    ran = await kernel.run("%agor answer req_aaaa blue")
    assert ran.status == "error" and "Why?" in ran.error[0]
    assert world.answers == []
    ran = await kernel.run('%agor answer req_aaaa "it is calm" pick=blue')
    assert ran.text.startswith("Answered “")
    (given,) = world.answers
    assert given["answers"] == {"Which?": "blue", "Why?": "it is calm"}
    assert given["option_id"] is None and given["digest"] == "d1"


async def test_the_status_lists_what_can_be_chosen_and_what_it_means(kernel: Kernel, world: World) -> None:
    choices = ["blue", "red"]
    asked = {
        **ASK,
        "options": [],
        "questions": [
            {"question": "Which?", "choices": choices, "descriptions": ["as the\nsea", ""], "own": True},
            {"question": "How?", "choices": [f"way {n}" for n in range(30)], "multiple": True},
        ],
    }
    world.pending.append({"id": ASK["request_id"], "session_id": SES, "request": asked, "resolved": None})
    lines = [line.strip() for line in (await kernel.run("%agor status")).text.splitlines()]
    at = lines.index("Which?")
    assert lines[at + 1 : at + 5] == [
        "- blue: as the sea",
        "- red",
        "- or something else, in your own words",
        "How? (one or more, with commas between)",
    ]
    assert lines[-2:] == ["- way 19", "- … and 10 more: see them in the session"]
    await kernel.run('%agor answer req_aaaa "green, as grass" "way 1, way 2"')
    assert world.answers[-1]["answers"] == {"Which?": "green, as grass", "How?": "way 1, way 2"}


async def test_the_status_names_the_options_of_a_plan(kernel: Kernel, world: World) -> None:
    options = [
        {"option_id": "ask_first", "name": "Start; ask before each edit", "kind": "allow_once"},
        {"option_id": "freely", "name": "Start; edit freely", "kind": "allow_once"},
        {"option_id": "stay", "name": "Keep planning", "kind": "reject_once"},
    ]
    asked = {**ASK, "kind": "switch_mode", "options": options}
    world.pending.append({"id": ASK["request_id"], "session_id": SES, "request": asked, "resolved": None})
    status = (await kernel.run("%agor status")).text
    assert "ask_first|freely|stay" in status
    assert "freely: Start; edit freely" in status
    await kernel.run("%agor answer req_aaaa freely")
    assert [answer["option_id"] for answer in world.answers] == ["freely"]


async def test_lines(kernel: Kernel, world: World) -> None:
    assert "%agor status" in (await kernel.run("%agor")).text
    status = (await kernel.run("%agor status")).text
    assert "Ann (member)" in status
    assert "1 sessions: 1 idle" in status and "waits:" not in status
    world.sessions[0] |= {"waits": {"reason": "20 sessions run already", "since_ms": 1}}
    assert "waits: Fix the parser: 20 sessions run already" in (await kernel.run("%agor status")).text
    assert "Fix the parser" in (await kernel.run("%agor sessions")).text
    ran = await kernel.run("%agor open Fix the parser")
    assert "[Fix the parser](/lab/tree/agor/t.agor.ipynb)" in ran.display["text/markdown"]
    assert (await kernel.run("%%agor\nhello")).status == "ok"


@pytest.mark.parametrize(
    "cell",
    [
        "%agor nonsense",
        "%agor open nothing",
        "%agor open 'x",
        "%%agor --what\nx",
        "%%agor nothing\nx",
        "%%agor\n  \n",
    ],
)
async def test_errors_are_one_red_line(kernel: Kernel, cell: str) -> None:
    ran = await kernel.run(cell)
    assert ran.status == "error"
    assert len(ran.error) == 1
    assert ran.error[0].startswith("\x1b[31magor: ")
    assert "\n" not in ran.error[0]


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (ended("failed", error="No model."), "the turn failed. No model."),
        (ended("cancelled"), "somebody stopped"),
    ],
)
async def test_a_turn_that_failed_is_an_error(
    kernel: Kernel, world: World, end: dict[str, Any], told: str
) -> None:
    world.script = [said("Trying. "), end]
    ran = await kernel.run(f"%%agor {SES}\ngo")
    assert ran.status == "error"
    assert told in ran.error[0]
    assert "Trying." in ran.display["text/markdown"]


async def test_a_recorded_prompt_is_not_sent_again(kernel: Kernel, world: World) -> None:
    world.tasks["task_0"] = {"id": "task_0", "session_id": SES, "prompt": "hello\n", "status": "ended"}
    ran = await kernel.run("%%agor\nhello", cell_id="agor-task_0")
    assert "nothing was sent" in ran.text
    assert len(world.tasks) == 1
    assert (await kernel.run("%%agor\nhello, edited", cell_id="agor-task_0")).status == "ok"
    assert len(world.tasks) == 2, "edited, it goes to the transcript's session"
    assert (await kernel.run("%%agor\nhello", cell_id="agor-task_gone")).status == "ok"


async def test_the_token_is_never_shown(kernel: Kernel, world: World) -> None:
    texts = []
    for cell in ("%agor status", "%%agor nothing\nx", "%agor connect http://127.0.0.1:1/ agor_other-secret"):
        ran = await kernel.run(cell)
        texts += [ran.text, *ran.error]
    assert not any("secret" in text for text in texts)
    assert not any(TOKEN in url for url in world.urls)


async def test_connect_uses_another_server(kernel: Kernel, world: World) -> None:
    ran = await kernel.run(f"%agor connect {world.url}lab?token={TOKEN}")
    assert ran.text == f"Connected to {world.url}\n"


async def test_completion(kernel: Kernel, world: World) -> None:
    await kernel.run("%agor status")
    for _ in range(100):
        kernel.client.complete("%agor open ", 11)
        reply = (await kernel.client.get_shell_msg(timeout=10))["content"]
        if reply["matches"] == [SES]:
            break
        await asyncio.sleep(0.05)
    assert reply["matches"] == [SES]
    kernel.client.complete("%%agor --mo", 11)
    reply = (await kernel.client.get_shell_msg(timeout=10))["content"]
    assert (reply["matches"], reply["cursor_start"]) == (["--mode"], 7)
