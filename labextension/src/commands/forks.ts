/** The command that forks a session: from a task's menu it knows all, from the palette it asks for the worktree. */
import { UUID } from '@lumino/coreutils';
import type { Fork } from '../api/sessions';
import { forkSession } from '../api/sessions';
import { CommandIds } from '../domain/commandIds';
import { askItem } from './ask';
import { sessionArg } from './sessions';
import type { Args, Command, CommandContext } from './table';
import { text, textArg } from './table';
import { needSession, whereSession } from './targets';

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
  const { commands, trans } = context;
  return [
    {
      id: CommandIds.forkSession,
      label: trans.__('Fork the Session…'),
      args: forkArgs,
      enabled: whereSession(context, session => session.task_count > 0),
      execute: async args => {
        const id = needSession(context, args);
        const worktree = whereOf(args) ?? (await askWhere(context));
        if (worktree === null) {
          return null;
        }
        const session = await forkSession(context.app.http, id, bodyOf(args, worktree), UUID.uuid4());
        if (commands.hasCommand(CommandIds.openSession)) {
          await commands.execute(CommandIds.openSession, { session_id: session.id });
        }
        return session;
      }
    }
  ];
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

async function askWhere({ trans }: CommandContext): Promise<Where | null> {
  const chosen = await askItem(trans.__('Where does the fork work?'), [
    ['new', trans.__('In a new worktree, with the files as they were')],
    ['same', trans.__('In the same worktree, with the files as they are')]
  ]);
  return chosen === null ? null : chosen === 'same' ? 'same' : 'new';
}
