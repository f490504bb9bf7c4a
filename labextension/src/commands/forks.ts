/** Commands that fork a session: from a menu they know all, from the palette they ask for what is left out. */
import { UUID } from '@lumino/coreutils';
import { ProblemError } from '../api/problem';
import type { Fork } from '../api/sessions';
import { forkSession } from '../api/sessions';
import { agentOf, isReady } from '../domain/abilities';
import { CommandIds } from '../domain/commandIds';
import { isReplayed, WHOLE } from '../domain/replays';
import type { Session } from '../schema/types';
import { askItem } from './ask';
import { sessionArg } from './sessions';
import type { Args, Command, CommandContext } from './table';
import { text, textArg } from './table';
import { needSession, recordOf, whereSession } from './targets';

type Where = 'same' | 'new';

const forkArgs = {
  ...sessionArg,
  task_id: text('Where it branches off; the last task when absent.'),
  position: { type: 'string', enum: ['before', 'after'], description: 'Before or after that task; after when absent.' },
  worktree: {
    type: 'string',
    enum: ['same', 'new'],
    description: 'The same worktree, or a new one with the files of then; asked for when absent.'
  },
  title: text('Its title.'),
  prompt: text('Its first prompt.')
};

export function forkCommands(context: CommandContext): Command[] {
  const { trans } = context;
  return [
    {
      id: CommandIds.forkSession,
      label: trans.__('Fork the Session…'),
      args: forkArgs,
      enabled: whereSession(context, session => session.task_count > 0),
      execute: async args => {
        const id = needSession(context, args);
        const worktree = whereOf(args) ?? (await askWhere(context, id));
        if (worktree === null) {
          return null;
        }
        return await forkAndOpen(context, id, bodyOf(args, worktree));
      }
    },
    {
      id: CommandIds.changeAgent,
      label: trans.__('Go on with Another Agent…'),
      args: { ...sessionArg, agent: text('The kind of agent that goes on, in a fork; asked for when absent.') },
      enabled: args => whereSession(context, session => session.current_task === null)(args) && isOffered(context, args),
      execute: async args => {
        const id = needSession(context, args);
        const agent = textArg(args, 'agent') ?? (await askAgent(context, id));
        return agent === null ? null : await forkAndOpen(context, id, { agent, worktree: 'same' });
      }
    }
  ];
}

async function forkAndOpen({ app, commands }: CommandContext, id: string, fork: Fork): Promise<Session> {
  const session = await forkSession(app.http, id, fork, UUID.uuid4());
  if (commands.hasCommand(CommandIds.openSession)) {
    await commands.execute(CommandIds.openSession, { session_id: session.id });
  }
  return session;
}

function bodyOf(args: Args, worktree: Where): Fork {
  const [task, title, prompt] = [textArg(args, 'task_id'), textArg(args, 'title'), textArg(args, 'prompt')];
  return {
    worktree,
    position: args['position'] === 'before' ? 'before' : 'after',
    ...(task === null ? {} : { at_task: task }),
    ...(title === null ? {} : { title }),
    ...(prompt === null ? {} : { prompt })
  };
}

const whereOf = (args: Args): Where | null => {
  const where = args['worktree'];
  return where === 'same' || where === 'new' ? where : null;
};

async function askWhere(context: CommandContext, id: string): Promise<Where | null> {
  const { trans } = context;
  const title = willReplay(context, id)
    ? trans.__('Where does the fork work? Its agent is given a transcript: it does not remember by itself.')
    : trans.__('Where does the fork work?');
  const chosen = await askItem(title, [
    ['new', trans.__('In a new worktree, with the files as they were')],
    ['same', trans.__('In the same worktree, with the files as they are')]
  ]);
  return chosen === null ? null : chosen === 'same' ? 'same' : 'new';
}

function willReplay(context: CommandContext, id: string): boolean {
  const { workspace } = context.app;
  const session = recordOf(context, id);
  const agent = agentOf(workspace.agents.get(), session);
  return session !== undefined && isReplayed(session, agent, workspace.me.get()?.person.id, WHOLE);
}

/** Say whether the agent that is named can begin a session; without a name it is asked for. */
function isOffered({ app }: CommandContext, args: Args): boolean {
  const kind = textArg(args, 'agent');
  return kind === null || app.workspace.agents.get().some(each => each.kind === kind && isReady(each));
}

async function askAgent(context: CommandContext, id: string): Promise<string | null> {
  const { app, trans } = context;
  const own = recordOf(context, id)?.agent;
  const ready = app.workspace.agents.get().filter(each => each.kind !== own && isReady(each));
  if (ready.length === 0) {
    const hint = trans.__('Show the agents: each says what it needs.');
    throw new ProblemError({ detail: trans.__('No other agent is ready here.'), hint }, 0);
  }
  return await askItem(trans.__('Which agent goes on, in the same worktree?'), ready.map(each => [each.kind, each.title]));
}
