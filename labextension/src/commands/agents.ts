/** Commands about agents and what is one's own: credentials, MCP servers, tokens for outside clients. */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import { URLExt } from '@jupyterlab/coreutils';
import type { AgentsHost } from '../agents/AgentsHost';
import { askCredential } from '../agents/dialogs/credential';
import { askServer } from '../agents/dialogs/server';
import { showToken } from '../agents/dialogs/token';
import { askVariables } from '../agents/dialogs/variables';
import type { OwnServer } from '../api/own';
import { changeServer, createServer, endTokens, makeToken, removeCredential, removeServer } from '../api/own';
import { CommandIds } from '../domain/commandIds';
import type { AgorApp } from '../model/app';
import { notifyDone, notifyProblem } from '../ui/notify';
import { askItem } from './ask';
import { namedAgentCommands } from './namedAgents';
import type { Args, Command, CommandContext } from './table';
import { text, textArg } from './table';

export interface AgentsContext extends Pick<CommandContext, 'trans'> {
  readonly app: AgorApp;
  readonly agents: Pick<AgentsHost, 'open'>;
}

export function agentCommands(context: AgentsContext): Command[] {
  const { agents, trans } = context;
  return [
    {
      id: CommandIds.showAgents,
      label: trans.__('Show Agents, Keys and MCP Servers'),
      execute: () => agents.open()
    },
    ...credentialCommands(context),
    variablesCommand(context),
    ...serverCommands(context),
    ...namedAgentCommands(context),
    ...tokenCommands(context)
  ];
}

const mayWrite = ({ app }: AgentsContext): boolean => app.workspace.may('write', 'agor:credentials');
const nameArg = { name: text('The name of its variable; asked for when absent. The value is never an argument.') };
const serverArg = { server_id: text('The server; asked for when absent.') };

function credentialCommands(context: AgentsContext): Command[] {
  const { app, trans } = context;
  return [
    {
      id: CommandIds.setCredential,
      label: trans.__('Set One of My Keys…'),
      args: nameArg,
      enabled: () => mayWrite(context),
      execute: async args => {
        const name = textArg(args, 'name') ?? (await askName(context, () => true));
        if (name !== null && (await askCredential(app.http, name, trans))) {
          await app.own.load();
        }
      }
    },
    {
      id: CommandIds.removeCredential,
      label: trans.__('Remove One of My Keys…'),
      args: nameArg,
      enabled: () => mayWrite(context),
      execute: async args => {
        const name = textArg(args, 'name') ?? (await askName(context, isSet => isSet));
        // Nothing here can bring it back, so it is asked.
        if (name !== null && (await agreed(trans.__('Remove %1?', name), trans.__('Remove key'), context))) {
          await removeCredential(app.http, name);
          await app.own.load();
        }
      }
    }
  ];
}

function variablesCommand({ app, trans }: AgentsContext): Command {
  const { own, workspace } = app;
  return {
    id: CommandIds.setVariables,
    label: trans.__('Set My Variables for an Agent…'),
    args: { agent: text('The kind of agent; asked for when absent.') },
    enabled: () => workspace.me.get()?.read_only === '' && workspace.may('execute', 'agor:sessions'),
    execute: async args => {
      await own.load();
      const agents = workspace.agents.get().map(each => [each.kind, each.title] as const);
      const kind = textArg(args, 'agent') ?? (await askItem(trans.__('For which agent?'), agents));
      if (kind !== null) {
        const title = agents.find(each => each[0] === kind)?.[1] ?? kind;
        await askVariables(own, kind, title, trans);
      }
    }
  };
}

async function askName({ app, trans }: AgentsContext, fits: (isSet: boolean) => boolean): Promise<string | null> {
  await app.own.load();
  const names = app.own.credentials.get().filter(each => fits(each.set_ms !== null));
  return await askItem(
    trans.__('Which key?'),
    names.map(each => [each.name, each.name])
  );
}

async function agreed(title: string, label: string, { trans }: AgentsContext): Promise<boolean> {
  const answer = await showDialog({
    title,
    body: trans.__('It cannot be undone. Agents that run keep what they were started with.'),
    buttons: [Dialog.cancelButton({ label: trans.__('Cancel') }), Dialog.warnButton({ label })]
  });
  return answer.button.accept;
}

function serverCommands(context: AgentsContext): Command[] {
  const { app, trans } = context;
  const enabled = (): boolean => mayWrite(context);
  const ask = (before: OwnServer | null): Promise<OwnServer | null> =>
    askServer(app.http, [...app.workspace.repos.get().values()], before, trans);
  const act = (id: Command['id'], label: string, execute: (server: OwnServer) => Promise<unknown>): Command => ({
    id,
    label,
    args: serverArg,
    enabled,
    execute: async args => {
      const server = await chosenServer(context, args);
      if (server !== null) {
        await execute(server);
        await app.own.load();
      }
    }
  });
  return [
    {
      id: CommandIds.addServer,
      label: trans.__('Add an MCP Server…'),
      enabled,
      execute: async () => {
        await ask(null);
        await app.own.load();
      }
    },
    act(CommandIds.editServer, trans.__('Edit an MCP Server…'), ask),
    act(CommandIds.switchServer, trans.__('Switch an MCP Server On or Off…'), server =>
      changeServer(app.http, server.id, { enabled: !server.enabled })
    ),
    act(CommandIds.removeServer, trans.__('Remove an MCP Server…'), async server => {
      await removeServer(app.http, server.id);
      notifyDone(trans.__('The MCP server “%1” is removed.', server.name), trans, () => {
        restored(context, server).catch((error: unknown) => notifyProblem(error));
      });
    })
  ];
}

async function restored({ app }: AgentsContext, server: OwnServer): Promise<void> {
  const { name, scope, repo_id, session_id, transport, command, url, environment, headers, enabled } = server;
  const given = { name, scope, repo_id, session_id, transport, command, url, environment, headers, enabled };
  await createServer(app.http, given, `again-${server.id}-${Date.now()}`);
  await app.own.load();
}

async function chosenServer({ app, trans }: AgentsContext, args: Args): Promise<OwnServer | null> {
  await app.own.load();
  const all = app.own.servers.get();
  const items = all.filter(each => each.scope !== 'session').map(each => [each.id, each.name] as const);
  const id = textArg(args, 'server_id') ?? (await askItem(trans.__('Which server?'), items));
  return all.find(each => each.id === id) ?? null;
}

function tokenCommands(context: AgentsContext): Command[] {
  const { app, trans } = context;
  const enabled = (): boolean => app.workspace.me.get()?.read_only === '';
  return [
    {
      id: CommandIds.makeToken,
      label: trans.__('Make a Token for an Outside Client'),
      enabled,
      execute: async () => {
        const { token } = await makeToken(app.http);
        await showToken(token, URLExt.join(app.http.settings.baseUrl, 'agor/mcp'), trans);
      }
    },
    {
      id: CommandIds.endTokens,
      label: trans.__('End All My Tokens for Outside Clients…'),
      enabled,
      execute: async () => {
        const title = trans.__('End all tokens that you made for outside clients?');
        if (await agreed(title, trans.__('End all tokens'), context)) {
          await endTokens(app.http);
          notifyDone(trans.__('Your tokens for outside clients are ended.'), trans);
        }
      }
    }
  ];
}
