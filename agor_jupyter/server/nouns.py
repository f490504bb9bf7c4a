"""The operations of repositories, worktrees, boards, agents and people: a call in, one verb, its answer."""

from __future__ import annotations

from agor_jupyter.server.bodies import CredentialQuery, DeleteQuery, DiffQuery, ListQuery, WorktreeQuery
from agor_jupyter.server.operation import Call, Result
from agor_jupyter.service import (
    agents,
    boards,
    credentials,
    mcp_servers,
    named_agents,
    people,
    repos,
    trust,
    worktrees,
)
from agor_jupyter.service import requests as asked


async def list_agents(call: Call) -> Result:
    return await agents.probe(call.house, call.actor)


async def list_named_agents(call: Call) -> Result:
    return await named_agents.browse(call.house, call.actor)


async def list_agent_presets(call: Call) -> Result:
    return await named_agents.presets(call.house, call.actor)


async def add_named_agent(call: Call) -> Result:
    return await named_agents.create(call.house, call.actor, call.body_as(asked.AddNamedAgent))


async def change_named_agent(call: Call) -> Result:
    body = call.body_as(asked.ChangeNamedAgent)
    return await named_agents.change(call.house, call.actor, call.path["id"], body)


async def remove_named_agent(call: Call) -> Result:
    await named_agents.remove(call.house, call.actor, call.path["id"])
    return None


async def show_me(call: Call) -> Result:
    return await people.who(call.house, call.actor, named_users=call.named_users)


async def rename_me(call: Call) -> Result:
    body = call.body_as(asked.RenamePerson)
    actor = await people.rename(call.house, call.actor, body, browser=call.browser)
    return await people.who(call.house, actor, named_users=call.named_users)


async def mint_token(call: Call) -> Result:
    return await people.mint_token(call.house, call.actor)


async def revoke_tokens(call: Call) -> Result:
    await people.revoke_tokens(call.house, call.actor)
    return None


async def show_settings(call: Call) -> Result:
    return await people.settings(call.house, call.actor)


async def change_settings(call: Call) -> Result:
    return await people.change_settings(call.house, call.actor, call.texts)


async def list_credentials(call: Call) -> Result:
    return await credentials.browse(call.house, call.actor)


async def set_credential(call: Call) -> Result:
    await credentials.set_one(call.house, call.actor, call.body_as(asked.SetCredential))
    return None


async def remove_credential(call: Call) -> Result:
    await credentials.remove(call.house, call.actor, call.query_as(CredentialQuery).name)
    return None


async def list_servers(call: Call) -> Result:
    return await mcp_servers.browse(call.house, call.actor)


async def create_server(call: Call) -> Result:
    return await mcp_servers.create(call.house, call.actor, call.body_as(asked.CreateMcpServer))


async def show_server(call: Call) -> Result:
    return await mcp_servers.show(call.house, call.actor, call.path["id"])


async def change_server(call: Call) -> Result:
    body = call.body_as(asked.ChangeMcpServer)
    return await mcp_servers.change(call.house, call.actor, call.path["id"], body)


async def delete_server(call: Call) -> Result:
    await mcp_servers.delete(call.house, call.actor, call.path["id"])
    return None


async def add_repo(call: Call) -> Result:
    return await repos.add(call.house, call.actor, call.body_as(asked.AddRepo))


async def list_repos(call: Call) -> Result:
    query = call.query_as(ListQuery)
    return await repos.browse(call.house, call.actor, limit=query.limit, cursor=query.cursor)


async def show_repo(call: Call) -> Result:
    return await repos.show(call.house, call.actor, call.path["id"])


async def rename_repo(call: Call) -> Result:
    return await repos.rename(call.house, call.actor, call.path["id"], call.body_as(asked.RenameRepo))


async def delete_repo(call: Call) -> Result:
    await repos.delete(call.house, call.actor, call.path["id"])
    return None


async def show_trust(call: Call) -> Result:
    return await trust.preview(call.house, call.actor, call.path["id"])


async def change_trust(call: Call) -> Result:
    return await trust.change(call.house, call.actor, call.path["id"], call.body_as(asked.TrustRepo))


async def suggest_repos(call: Call) -> Result:
    return await repos.suggest(call.house, call.actor)


async def list_branches(call: Call) -> Result:
    return await repos.branches(call.house, call.actor, call.path["id"])


async def create_worktree(call: Call) -> Result:
    return await worktrees.create(call.house, call.actor, call.body_as(asked.CreateWorktree))


async def list_worktrees(call: Call) -> Result:
    query = call.query_as(WorktreeQuery)
    return await worktrees.browse(call.house, call.actor, **query.model_dump())


async def show_worktree(call: Call) -> Result:
    return await worktrees.show(call.house, call.actor, call.path["id"])


async def change_worktree(call: Call) -> Result:
    body = call.body_as(asked.ChangeWorktree)
    return await worktrees.change(call.house, call.actor, call.path["id"], body)


async def delete_worktree(call: Call) -> Result:
    query = call.query_as(DeleteQuery)
    return await worktrees.delete(call.house, call.actor, call.path["id"], **query.model_dump())


async def show_status(call: Call) -> Result:
    return await worktrees.status(call.house, call.actor, call.path["id"])


async def list_checkpoints(call: Call) -> Result:
    return await worktrees.checkpoints(call.house, call.actor, call.path["id"])


async def show_diff(call: Call) -> Result:
    against = call.query_as(DiffQuery).against
    return await worktrees.diff(call.house, call.actor, call.path["id"], against=against)


async def create_board(call: Call) -> Result:
    return await boards.create(call.house, call.actor, call.body_as(asked.CreateBoard))


async def list_boards(call: Call) -> Result:
    query = call.query_as(ListQuery)
    return await boards.browse(call.house, call.actor, limit=query.limit, cursor=query.cursor)


async def show_board(call: Call) -> Result:
    return await boards.show(call.house, call.actor, call.path["id"])


async def change_board(call: Call) -> Result:
    return await boards.change(call.house, call.actor, call.path["id"], call.body_as(asked.ChangeBoard))


async def delete_board(call: Call) -> Result:
    await boards.delete(call.house, call.actor, call.path["id"])
    return None


async def drop_card(call: Call) -> Result:
    return await boards.drop(call.house, call.actor, call.path["id"], call.body_as(asked.DropCard))
