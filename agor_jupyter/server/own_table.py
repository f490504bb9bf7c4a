"""The part of the route table about the person who asks: who they are, and all that is theirs alone."""

from __future__ import annotations

from agor_jupyter.domain.mcp_server import OwnServer
from agor_jupyter.domain.named_agent import AgentPreset, NamedAgent
from agor_jupyter.domain.ports import Page
from agor_jupyter.server import bodies, nouns
from agor_jupyter.server.operation import Operation, Route
from agor_jupyter.server.rows import get as _get
from agor_jupyter.server.rows import send as _send
from agor_jupyter.service import answers
from agor_jupyter.service import requests as asked

NAMED_AGENTS = (
    Route(
        "/named-agents",
        (
            _get(
                "named_agents.browse",
                nouns.list_named_agents,
                Page[NamedAgent],
                "Agents by command line, as an admin sees them",
            ),
            _send(
                "POST",
                "named_agents.create",
                nouns.add_named_agent,
                asked.AddNamedAgent,
                NamedAgent,
                "Add one; the server runs its command line for every session with it",
                201,
            ),
        ),
    ),
    Route(
        "/named-agents/presets",
        (
            _get(
                "named_agents.presets",
                nouns.list_agent_presets,
                Page[AgentPreset],
                "Agents known by name, with what their documentation says starts them",
            ),
        ),
    ),
    Route(
        "/named-agents/{id}",
        (
            _send(
                "PATCH",
                "named_agents.change",
                nouns.change_named_agent,
                asked.ChangeNamedAgent,
                NamedAgent,
                "Change it; running agents keep what they have",
            ),
            Operation(
                "DELETE",
                "named_agents.remove",
                nouns.remove_named_agent,
                "Remove it; its sessions can be read and take no prompts",
                status=204,
            ),
        ),
    ),
)

PEOPLE = (
    Route(
        "/agents",
        (_get("agents.probe", nouns.list_agents, Page[answers.AgentInfo], "Agents, and which can be used"),),
    ),
    Route(
        "/me",
        (
            _get("people.who", nouns.show_me, answers.Me, "Who asks, and what they may do"),
            _send(
                "PATCH",
                "people.rename",
                nouns.rename_me,
                asked.RenamePerson,
                answers.Me,
                "Another display name (without named users)",
            ),
        ),
    ),
    Route(
        "/me/tokens",
        (
            Operation(
                "POST",
                "people.mint_token",
                nouns.mint_token,
                "A token for an outside MCP client, shown once",
                answers.Minted,
                body=asked.Nothing,
                status=201,
                secret=True,
            ),
            Operation("DELETE", "people.revoke_tokens", nouns.revoke_tokens, "End these tokens", status=204),
        ),
    ),
    Route(
        "/me/settings",
        (
            Operation("GET", "people.settings", nouns.show_settings, "One's own settings", map_of_text=True),
            Operation(
                "PATCH",
                "people.change_settings",
                nouns.change_settings,
                "Set what is given",
                map_of_text=True,
            ),
        ),
    ),
)

CREDENTIALS = (
    Route(
        "/me/credentials",
        (
            _get(
                "credentials.browse",
                nouns.list_credentials,
                Page[answers.CredentialInfo],
                "One's own credentials: names, users and times, never a value",
            ),
            Operation(
                "PUT",
                "credentials.set",
                nouns.set_credential,
                "Set one; it is sealed and never shown again",
                body=asked.SetCredential,
                status=204,
                secret=True,
            ),
            Operation(
                "DELETE",
                "credentials.remove",
                nouns.remove_credential,
                "Remove one",
                query=bodies.CredentialQuery,
                status=204,
            ),
        ),
    ),
    Route(
        "/mcp-servers",
        (
            _get("mcp_servers.browse", nouns.list_servers, Page[OwnServer], "One's own MCP servers"),
            _send(
                "POST",
                "mcp_servers.create",
                nouns.create_server,
                asked.CreateMcpServer,
                OwnServer,
                "Add one, for all one's sessions, a repository's or one session's",
                201,
            ),
        ),
    ),
    Route(
        "/mcp-servers/{id}",
        (
            _get("mcp_servers.show", nouns.show_server, OwnServer, "One of one's own"),
            _send(
                "PATCH",
                "mcp_servers.change",
                nouns.change_server,
                asked.ChangeMcpServer,
                OwnServer,
                "Change it, switch it on or off",
            ),
            Operation("DELETE", "mcp_servers.delete", nouns.delete_server, "Remove it", status=204),
        ),
    ),
)
