"""The tool servers of one session over REST: its owner's to switch, names for everybody else."""

from __future__ import annotations

import json

from tests.server.conftest import Stand, problem

TOOLS = {"name": "tools", "command": ["tools", "--deep"], "environment": {"KEY": "${TOOLS_TOKEN}"}}


async def test_others_see_names_and_the_owner_switches(stand: Stand) -> None:
    await stand.send("POST", "/mcp-servers", TOOLS, status=201)
    await stand.worktree("one")
    session = await stand.session(agent="keyed")
    path = f"/sessions/{session['id']}/mcp-servers"
    own = {"scope": "session", "session_id": session["id"], "name": "mine", "command": ["mine"]}
    await stand.send("POST", "/mcp-servers", own, status=201)
    mine = await stand.get(path)
    assert [(it["name"], it["scope"], it["server"]["command"]) for it in mine["items"]] == [
        ("tools", "user", ["tools", "--deep"]),
        ("mine", "session", ["mine"]),
    ]
    for person in ("mona", "vera", "ada"):
        theirs = await stand.get(path, person=person)
        assert [item["name"] for item in theirs["items"]] == ["tools", "mine"]
        assert theirs["mine"] is False and all(item["server"] is None for item in theirs["items"])
        assert "--deep" not in json.dumps(theirs) and "TOOLS_TOKEN" not in json.dumps(theirs)
        refused = await stand.ask("PATCH", path, {"name": "tools", "enabled": False}, person=person)
        assert refused.code == 403
    switched = await stand.send("PATCH", path, {"name": "tools", "enabled": False}, status=200)
    assert [(it["enabled"], it["switched"]) for it in switched["items"]] == [(False, True), (True, False)]
    problem(await stand.ask("PATCH", path, {"name": "none", "enabled": False}), 422)
    problem(await stand.ask("GET", "/sessions/ses_0/mcp-servers"), 404)


async def test_an_agent_at_work_is_not_closed(stand: Stand) -> None:
    await stand.worktree("one")
    session = await stand.session()
    path = f"/sessions/{session['id']}/close-agent"
    stand.made.work.agents[session["id"]] = "working"
    problem(await stand.ask("POST", path, {}), 409)
    stand.made.work.agents[session["id"]] = "idle"
    assert (await stand.ask("POST", path, {}, person="mona")).code == 403
    await stand.send("POST", path, {}, status=200)
    assert session["id"] not in stand.made.work.agents
