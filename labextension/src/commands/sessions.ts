/** Commands about sessions. `agor:open-session` opens the panel and stands with the panel's own plugin. */
import { InputDialog } from '@jupyterlab/apputils';
import { UUID } from '@lumino/coreutils';
import { ProblemError } from '../api/problem';
import {
  answerPermission,
  fetchTranscript,
  interruptSession,
  patchSession,
  promptSession,
  resumeSession
} from '../api/sessions';
import { byAttention } from '../domain/attention';
import { CommandIds } from '../domain/commandIds';
import { viewOf } from '../model/attention';
import type { Session } from '../schema/types';
import { askSession } from '../worktrees/dialogs/newSession';
import type { Args, Command, CommandContext } from './table';
import { text, textArg } from './table';

const sessionArg = { session_id: text('The session.') };

export function sessionCommands(context: CommandContext): Command[] {
  return [...startCommands(context), ...steerCommands(context), ...recordCommands(context)];
}

function startCommands(context: CommandContext): Command[] {
  const { app, commands, boards, trans } = context;
  const mayRun = (): boolean => app.workspace.may('execute', 'agor:sessions');
  return [
    {
      id: CommandIds.createSession,
      label: trans.__('New Session…'),
      args: { worktree_id: text('Where it works; the selected card when absent.') },
      enabled: mayRun,
      execute: async args => {
        const selected = boards.current()?.selection.get().find(id => app.workspace.worktrees.get().has(id));
        const worktreeId = textArg(args, 'worktree_id') ?? selected ?? (await askWorktreeId(context));
        const session = worktreeId === null ? null : await askSession(app.workspace, worktreeId, trans);
        if (session !== null && commands.hasCommand(CommandIds.openSession)) {
          await commands.execute(CommandIds.openSession, { session_id: session.id });
        }
        return session;
      }
    },
    {
      id: CommandIds.promptSession,
      label: trans.__('Send a Prompt'),
      args: { ...sessionArg, prompt: text('What to do.'), key: text('Names the attempt: repeated, it is done once.') },
      required: ['session_id', 'prompt'],
      hidden: true,
      enabled: mayRun,
      execute: args =>
        promptSession(app.http, need(args, 'session_id'), need(args, 'prompt'), textArg(args, 'key') ?? UUID.uuid4())
    },
    {
      id: CommandIds.nextAttention,
      label: trans.__('Go to What Needs You Next'),
      execute: async () => {
        const [next] = [...app.workspace.sessions.get().values()]
          .map(session => viewOf(app.workspace, session))
          .filter(view => view.unseen || ['awaiting_permission', 'failed', 'lost'].includes(view.status))
          .sort(byAttention);
        if (next !== undefined) {
          await commands.execute(CommandIds.openSession, { session_id: next.session.id });
        }
      }
    }
  ];
}

function steerCommands({ app, trans }: CommandContext): Command[] {
  const mayRun = (): boolean => app.workspace.may('execute', 'agor:sessions');
  return [
    {
      id: CommandIds.interruptSession,
      label: trans.__('Stop the Session'),
      brief: trans.__('Stop'),
      args: sessionArg,
      required: ['session_id'],
      hidden: true,
      enabled: mayRun,
      execute: args => interruptSession(app.http, need(args, 'session_id'))
    },
    {
      id: CommandIds.resumeSession,
      label: trans.__('Go on with the Session'),
      brief: trans.__('Go on'),
      args: sessionArg,
      required: ['session_id'],
      hidden: true,
      enabled: mayRun,
      execute: args => resumeSession(app.http, need(args, 'session_id'))
    },
    {
      id: CommandIds.answerPermission,
      label: trans.__('Answer a Request'),
      args: {
        request_id: text('The request.'),
        option_id: { type: ['string', 'null'], description: 'The chosen option; null for answers to questions.' },
        message: text('Why, for a rejection.'),
        answers: { type: 'object', description: 'An answer for each question.' },
        digest: text('What was shown: an answer to anything else is refused.')
      },
      required: ['request_id'],
      hidden: true,
      enabled: mayRun,
      execute: args => answer(app.http, args)
    }
  ];
}

function recordCommands({ app, commands, trans }: CommandContext): Command[] {
  const mayRun = (): boolean => app.workspace.may('execute', 'agor:sessions');
  const patch = async (id: string, changes: Parameters<typeof patchSession>[2]): Promise<Session> => {
    const session = await patchSession(app.http, id, changes);
    app.workspace.take({ session });
    return session;
  };
  return [
    {
      id: CommandIds.renameSession,
      label: trans.__('Rename Session…'),
      brief: trans.__('Rename…'),
      args: { ...sessionArg, title: text('The new title; asked for when absent.') },
      required: ['session_id'],
      hidden: true,
      enabled: mayRun,
      execute: async args => {
        const id = need(args, 'session_id');
        const before = app.workspace.sessions.get().get(id)?.title ?? '';
        const asked = { title: trans.__('New title of the session'), text: before };
        const title = textArg(args, 'title') ?? (await InputDialog.getText(asked)).value?.trim() ?? '';
        return title === '' ? null : await patch(id, { title });
      }
    },
    {
      id: CommandIds.archiveSession,
      label: trans.__('Archive Session'),
      brief: trans.__('Archive'),
      args: sessionArg,
      required: ['session_id'],
      hidden: true,
      enabled: mayRun,
      execute: args => patch(need(args, 'session_id'), { archived: true })
    },
    {
      id: CommandIds.openTranscript,
      label: trans.__('Open the Transcript Notebook'),
      brief: trans.__('Transcript'),
      args: sessionArg,
      required: ['session_id'],
      hidden: true,
      execute: async args => {
        const { lab_path, path } = await fetchTranscript(app.http, need(args, 'session_id'));
        if (lab_path === null) {
          const detail = trans.__('The transcript %1 lies outside the folder that JupyterLab shows.', path);
          throw new ProblemError({ detail }, 0);
        }
        await commands.execute('docmanager:open', { path: lab_path });
      }
    }
  ];
}

function answer(http: Parameters<typeof answerPermission>[0], args: Args): Promise<unknown> {
  const [message, digest] = [textArg(args, 'message'), textArg(args, 'digest')];
  const answers = (args['answers'] ?? {}) as Record<string, string>;
  return answerPermission(http, need(args, 'request_id'), {
    option_id: textArg(args, 'option_id'),
    ...(message === null ? {} : { message }),
    ...(digest === null ? {} : { digest }),
    ...(Object.keys(answers).length === 0 ? {} : { answers })
  });
}

async function askWorktreeId({ app, trans }: CommandContext): Promise<string | null> {
  const worktrees = [...app.workspace.worktrees.get().values()].filter(each => each.state === 'ready');
  const { value } = await InputDialog.getItem({
    title: trans.__('In which worktree?'),
    items: worktrees.map(each => each.name)
  });
  return worktrees.find(each => each.name === value)?.id ?? null;
}

function need(args: Args, name: string): string {
  const value = textArg(args, name);
  if (value === null) {
    throw new ProblemError({ detail: `The command needs ${name}.` }, 0);
  }
  return value;
}
