/** Commands about agents by command line: an admin's, for the server runs what stands in one. */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import { askNamedAgent } from '../agents/dialogs/namedAgent';
import type { NamedAgent } from '../api/agents';
import { fetchAgentPresets, fetchNamedAgents, removeNamedAgent } from '../api/agents';
import { CommandIds } from '../domain/commandIds';
import type { AgorApp } from '../model/app';
import { askItem } from './ask';
import type { Args, Command, CommandContext } from './table';
import { text, textArg } from './table';

export interface NamedAgentsContext extends Pick<CommandContext, 'trans'> {
  readonly app: AgorApp;
}

const agentArg = { agent: text('The kind of agent (`acp.<name>`); asked for when absent.') };

export function namedAgentCommands(context: NamedAgentsContext): Command[] {
  const { app, trans } = context;
  const enabled = (): boolean => app.workspace.may('admin', 'agor:settings');
  return [
    {
      id: CommandIds.addAgent,
      label: trans.__('Add an Agent by Command Line…'),
      enabled,
      execute: async () => {
        await askNamedAgent(app.http, await fetchAgentPresets(app.http), null, trans);
        await app.own.load();
      }
    },
    {
      id: CommandIds.editAgent,
      label: trans.__('Edit an Agent by Command Line…'),
      args: agentArg,
      enabled,
      execute: async args => {
        const agent = await chosen(context, args);
        if (agent !== null) {
          await askNamedAgent(app.http, [], agent, trans);
          await app.own.load();
        }
      }
    },
    {
      id: CommandIds.removeAgent,
      label: trans.__('Remove an Agent by Command Line…'),
      args: agentArg,
      enabled,
      execute: async args => {
        const agent = await chosen(context, args);
        if (agent !== null && (await agreed(context, agent))) {
          await removeNamedAgent(app.http, agent.name);
          await app.own.load();
        }
      }
    }
  ];
}

async function chosen({ app, trans }: NamedAgentsContext, args: Args): Promise<NamedAgent | null> {
  const all = (await fetchNamedAgents(app.http)).filter(each => each.source === 'panel');
  const items = all.map(each => [`acp.${each.name}`, each.label] as const);
  const kind = textArg(args, 'agent') ?? (await askItem(trans.__('Which agent?'), items));
  return all.find(each => `acp.${each.name}` === kind) ?? null;
}

async function agreed({ app, trans }: NamedAgentsContext, agent: NamedAgent): Promise<boolean> {
  const sessions = [...app.workspace.sessions.get().values()].filter(each => each.agent === `acp.${agent.name}`);
  const kept = trans._n(
    'Its session stays readable, and takes no prompts until the agent is added again under this name.',
    'Its %1 sessions stay readable, and take no prompts until the agent is added again under this name.',
    sessions.length
  );
  const answer = await showDialog({
    title: trans.__('Remove the agent “%1”?', agent.label),
    body: sessions.length === 0 ? trans.__('No session was begun with it.') : kept,
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.warnButton({ label: trans.__('Remove agent') })
    ]
  });
  return answer.button.accept;
}
