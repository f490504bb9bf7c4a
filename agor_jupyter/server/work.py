"""The operations of sessions, tasks, events, transcripts and permissions: a call in, one verb, its answer."""

from __future__ import annotations

from agor_jupyter.server.bodies import EventQuery, ListQuery, PermissionQuery, SessionQuery
from agor_jupyter.server.operation import Call, Lines, Result
from agor_jupyter.service import (
    events,
    forks,
    permissions,
    scripts,
    session_servers,
    sessions,
    tasks,
    transcripts,
)
from agor_jupyter.service import requests as asked

NDJSON = "application/x-ndjson"


async def create_session(call: Call) -> Result:
    return await sessions.create(call.house, call.actor, call.body_as(asked.CreateSession))


async def list_sessions(call: Call) -> Result:
    query = call.query_as(SessionQuery)
    return await sessions.browse(call.house, call.actor, **query.model_dump())


async def show_session(call: Call) -> Result:
    return await sessions.show(call.house, call.actor, call.path["id"])


async def change_session(call: Call) -> Result:
    body = call.body_as(asked.ChangeSession)
    return await sessions.change(call.house, call.actor, call.path["id"], body)


async def fork_session(call: Call) -> Result:
    return await forks.create(call.house, call.actor, call.path["id"], call.body_as(asked.ForkSession))


async def interrupt(call: Call) -> Result:
    return await sessions.interrupt(call.house, call.actor, call.path["id"])


async def resume(call: Call) -> Result:
    return await sessions.resume(call.house, call.actor, call.path["id"])


async def close_agent(call: Call) -> Result:
    return await sessions.close_agent(call.house, call.actor, call.path["id"])


async def show_session_servers(call: Call) -> Result:
    return await session_servers.show(call.house, call.actor, call.path["id"])


async def switch_session_server(call: Call) -> Result:
    body = call.body_as(asked.SwitchMcpServer)
    return await session_servers.switch(call.house, call.actor, call.path["id"], body)


async def steer(call: Call) -> Result:
    return await sessions.steer(call.house, call.actor, call.path["id"], call.body_as(asked.SendPrompt))


async def send_prompt(call: Call) -> Result:
    return await tasks.prompt(call.house, call.actor, call.path["id"], call.body_as(asked.SendPrompt))


async def list_tasks(call: Call) -> Result:
    query = call.query_as(ListQuery)
    return await tasks.browse(call.house, call.actor, call.path["id"], limit=query.limit, cursor=query.cursor)


async def show_task(call: Call) -> Result:
    return await tasks.show(call.house, call.actor, call.path["id"])


async def change_task(call: Call) -> Result:
    return await tasks.change(call.house, call.actor, call.path["id"], call.body_as(asked.ChangeTask))


async def remove_task(call: Call) -> Result:
    return await tasks.remove(call.house, call.actor, call.path["id"])


async def read_events(call: Call) -> Result:
    query = call.query_as(EventQuery)
    session_id = call.path["id"]
    if NDJSON in call.accept:
        await sessions.show(call.house, call.actor, session_id)  # a 404 before the first line
        return Lines(
            events.follow(
                call.house, call.actor, session_id, after_seq=query.after_seq, task_id=query.task_id
            )
        )
    return await events.page(call.house, call.actor, session_id, **query.model_dump())


async def show_transcript(call: Call) -> Result:
    return await transcripts.show(call.house, call.actor, call.path["id"])


async def rebuild_transcript(call: Call) -> Result:
    return await transcripts.rebuild(call.house, call.actor, call.path["id"])


async def make_script(call: Call) -> Result:
    return await scripts.make(call.house, call.actor, call.path["id"])


async def list_permissions(call: Call) -> Result:
    query = call.query_as(PermissionQuery)
    return await permissions.browse(call.house, call.actor, limit=query.limit, cursor=query.cursor)


async def show_permission(call: Call) -> Result:
    return await permissions.show(call.house, call.actor, call.path["id"])


async def answer_permission(call: Call) -> Result:
    body = call.body_as(asked.AnswerPermission)
    return await permissions.answer(call.house, call.actor, call.path["id"], body)
