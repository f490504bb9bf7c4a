/** Commands about the tool servers of one session, and the start of its agent that they count from. */
import { closeAgent } from '../api/sessions';
import { showSessionServers } from '../agents/dialogs/sessionServers';
import { CommandIds } from '../domain/commandIds';
import { notifyDone } from '../ui/notify';
import { sessionArg } from './sessions';
import type { Command, CommandContext } from './table';
import { isMine, mayRead, needSession, recordOf, whereSession } from './targets';

export function sessionServerCommands(context: CommandContext): Command[] {
  const { app, commands, trans } = context;
  return [
    {
      id: CommandIds.showSessionServers,
      label: trans.__('Tool Servers of the Session…'),
      brief: trans.__('Tool Servers…'),
      caption: trans.__('See which MCP servers the session gets, switch them, add one for it'),
      args: sessionArg,
      enabled: whereSession(context, () => true, mayRead),
      execute: async args => {
        const session = recordOf(context, needSession(context, args));
        if (session !== undefined) {
          const act = (id: string, server_id: string): Promise<unknown> => commands.execute(id, { server_id });
          await showSessionServers(app.workspace, session, act, trans);
          // One's own list holds those of sessions too.
          await app.own.load();
        }
      }
    },
    {
      id: CommandIds.restartAgent,
      label: trans.__('Restart the Session’s Agent'),
      brief: trans.__('Restart the Agent'),
      caption: trans.__('Close an agent without a task: the next prompt starts it with what was changed'),
      args: sessionArg,
      enabled: whereSession(context, session => isMine(context, session) && session.current_task === null),
      execute: async args => {
        const told = await closeAgent(app.http, needSession(context, args));
        notifyDone(trans.__('The agent is closed. The next prompt starts it anew.'), trans);
        return told;
      }
    }
  ];
}
