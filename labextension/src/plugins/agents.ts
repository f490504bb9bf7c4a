/** The Agents view: which agents are here, one's own keys, MCP servers and tokens. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { AgentsHost } from '../agents/AgentsHost';
import { agentCommands } from '../commands/agents';
import { register } from '../commands/table';
import { CommandIds } from '../domain/commandIds';
import { IAgorApp } from '../tokens';
import { DOMAIN } from '../ui/trans';

export const agentsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'agor-jupyter:agents',
  description: 'Agents: which can be used, and what is one’s own of keys, MCP servers and tokens.',
  autoStart: true,
  requires: [IAgorApp],
  optional: [ICommandPalette, ILayoutRestorer, ITranslator],
  activate: (
    front: JupyterFrontEnd,
    app: IAgorApp,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const agents = new AgentsHost(front, app, trans);
    register({ commands: front.commands, trans }, palette, agentCommands({ app, agents, trans }));
    void restorer?.restore(agents.tracker, { command: CommandIds.showAgents, name: () => 'agents' });
  }
};
