/** Commands that open a session's panel, at its prompt or at one of its parts. */
import { agentOf } from '../domain/abilities';
import { byAttention } from '../domain/attention';
import { CommandIds } from '../domain/commandIds';
import type { AgorApp } from '../model/app';
import { viewOf } from '../model/attention';
import type { SessionHost } from '../sessions/SessionHost';
import { askItem } from './ask';
import type { Command, CommandContext } from './table';
import { text, textArg } from './table';

export interface PanelContext extends Pick<CommandContext, 'trans'> {
  readonly app: AgorApp;
  readonly sessions: Pick<SessionHost, 'open'>;
}

export function panelCommands({ app, sessions, trans }: PanelContext): Command[] {
  const { workspace } = app;
  return [
    {
      id: CommandIds.openSession,
      label: trans.__('Open Session…'),
      args: {
        session_id: text('The session; asked for when absent.'),
        focus: { enum: ['prompt', 'ask'], description: 'What takes the keyboard: the prompt, or what is asked.' }
      },
      enabled: args => textArg(args, 'session_id') !== null || workspace.sessions.get().size > 0,
      execute: async args => {
        const id = textArg(args, 'session_id') ?? (await askSessionId(app, trans.__('Which session?')));
        if (id !== null) {
          sessions.open(id, textArg(args, 'focus') === 'ask' ? 'ask' : 'prompt');
        }
      }
    },
    {
      id: CommandIds.attachFiles,
      label: trans.__('Attach Files to the Prompt…'),
      args: { session_id: text('The session; the panel used last when absent.') },
      enabled: args => {
        const session = workspace.sessions.get().get(textArg(args, 'session_id') ?? app.current.get() ?? '');
        const able = agentOf(workspace.agents.get(), session)?.capabilities;
        return workspace.may('execute', 'agor:sessions') && (able?.images === true || able?.files === true);
      },
      execute: args => {
        const id = textArg(args, 'session_id') ?? app.current.get();
        if (id !== null) {
          sessions.open(id, 'attach');
        }
      }
    }
  ];
}

async function askSessionId({ workspace }: AgorApp, title: string): Promise<string | null> {
  const views = [...workspace.sessions.get().values()]
    .filter(session => !session.archived)
    .map(session => viewOf(workspace, session))
    .sort(byAttention);
  return await askItem(
    title,
    views.map(({ session }) => [session.id, session.title])
  );
}
