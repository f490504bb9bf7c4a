/** Commands about the work of sessions. `agor:open-session` opens the panel and stands with the panel's own plugin. */
import { UUID } from '@lumino/coreutils';
import { answerPermission, interruptSession, promptSession, resumeSession, steerSession } from '../api/sessions';
import { byAttention } from '../domain/attention';
import { CommandIds } from '../domain/commandIds';
import { viewOf } from '../model/attention';
import type { Attachment } from '../schema/types';
import { askText } from '../ui/askText';
import { askSession } from '../worktrees/dialogs/newSession';
import { askItem } from './ask';
import type { Args, Command, CommandContext } from './table';
import { text, textArg } from './table';
import { mayRun, needSession, recordOf, targetOf, whereSession } from './targets';

export const sessionArg = { session_id: text('The session; the one in front of you when absent.') };
const wordsArgs = {
  ...sessionArg,
  prompt: text('What to do; asked for when absent.'),
  key: text('Names the attempt: repeated, it is done once.'),
  attachments: { type: 'array', description: 'Files: name, media_type, data (base64 for a picture, else text).' }
};

export function sessionCommands(context: CommandContext): Command[] {
  return [...startCommands(context), ...wordCommands(context), ...steeringCommands(context)];
}

function startCommands(context: CommandContext): Command[] {
  const { app, commands, trans } = context;
  return [
    {
      id: CommandIds.createSession,
      label: trans.__('New Session…'),
      args: { worktree_id: text('Where it works; the selected card when absent.') },
      enabled: () => mayRun(context),
      execute: async args => {
        const worktreeId = targetOf(context, args).worktree ?? (await askWorktreeId(context));
        const session = worktreeId === null ? null : await askSession(app.workspace, app.own, worktreeId, trans);
        if (session !== null && commands.hasCommand(CommandIds.openSession)) {
          await commands.execute(CommandIds.openSession, { session_id: session.id });
        }
        return session;
      }
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

/** A person's words: as a prompt of their own, or for the turn that runs. */
function wordCommands(context: CommandContext): Command[] {
  const { app, trans } = context;
  const steers = (agent: string): boolean =>
    app.workspace.agents.get().find(each => each.kind === agent)?.capabilities['steer'] === true;
  return [
    {
      id: CommandIds.promptSession,
      label: trans.__('Send a Prompt…'),
      args: wordsArgs,
      enabled: whereSession(context, session => !session.archived),
      execute: args =>
        sayWords(context, args, trans.__('Send'), (id, words, key) =>
          promptSession(app.http, id, words, key, filesOf(args))
        )
    },
    {
      id: CommandIds.steerSession,
      label: trans.__('Put Words into the Running Turn…'),
      args: wordsArgs,
      enabled: whereSession(context, session => session.current_task !== null && steers(session.agent)),
      execute: args =>
        sayWords(context, args, trans.__('Steer'), (id, words, key) =>
          steerSession(app.http, id, words, key, filesOf(args))
        )
    }
  ];
}

async function sayWords(
  context: CommandContext,
  args: Args,
  accept: string,
  say: (id: string, words: string, key: string) => Promise<unknown>
): Promise<unknown> {
  const { trans } = context;
  const id = needSession(context, args);
  const words = textArg(args, 'prompt');
  if (words !== null) {
    return await say(id, words, textArg(args, 'key') ?? UUID.uuid4());
  }
  const title = recordOf(context, id)?.title ?? '';
  const attempt = (said: string, key: string): Promise<unknown> => say(id, said, key);
  return await askText({ title: `${accept}: ${title}`, accept, label: trans.__('What do you want done?'), attempt, trans });
}

function filesOf(args: Args): readonly Attachment[] {
  const given = args['attachments'];
  return Array.isArray(given) ? (given as readonly Attachment[]) : [];
}

function steeringCommands(context: CommandContext): Command[] {
  const { app, commands, trans } = context;
  return [
    {
      id: CommandIds.interruptSession,
      label: trans.__('Stop the Session'),
      brief: trans.__('Stop'),
      args: sessionArg,
      enabled: whereSession(context, session => session.current_task !== null || session.status === 'queued'),
      execute: args => interruptSession(app.http, needSession(context, args))
    },
    {
      id: CommandIds.resumeSession,
      label: trans.__('Go on with the Session'),
      brief: trans.__('Go on'),
      args: sessionArg,
      enabled: whereSession(
        context,
        session => session.queue_paused !== '' || ['interrupted', 'failed', 'lost'].includes(session.status)
      ),
      execute: args => resumeSession(app.http, needSession(context, args))
    },
    {
      id: CommandIds.answerPermission,
      label: trans.__('Answer What Is Asked'),
      args: {
        ...sessionArg,
        request_id: text('The request; when absent, what the session asks is shown and takes the keyboard.'),
        option_id: { type: ['string', 'null'], description: 'The chosen option; null for answers to questions.' },
        message: text('Why, for a rejection.'),
        answers: { type: 'object', description: 'An answer for each question.' },
        digest: text('What was shown: an answer to anything else is refused.')
      },
      enabled: args =>
        textArg(args, 'request_id') === null
          ? whereSession(context, session => session.pending.length > 0)(args)
          : mayRun(context),
      execute: async args => {
        const request = textArg(args, 'request_id');
        // Nobody answers for what only a title describes: without a request, it is shown and asked there.
        if (request !== null) {
          return await answer(context, request, args);
        }
        await commands.execute(CommandIds.openSession, { session_id: needSession(context, args), focus: 'ask' });
        return null;
      }
    }
  ];
}

function answer({ app }: CommandContext, request: string, args: Args): Promise<unknown> {
  const [message, digest] = [textArg(args, 'message'), textArg(args, 'digest')];
  const answers = (args['answers'] ?? {}) as Record<string, string>;
  return answerPermission(app.http, request, {
    option_id: textArg(args, 'option_id'),
    ...(message === null ? {} : { message }),
    ...(digest === null ? {} : { digest }),
    ...(Object.keys(answers).length === 0 ? {} : { answers })
  });
}

async function askWorktreeId({ app, trans }: CommandContext): Promise<string | null> {
  const worktrees = [...app.workspace.worktrees.get().values()].filter(each => each.state === 'ready');
  return await askItem(
    trans.__('In which worktree?'),
    worktrees.map(each => [each.id, each.name])
  );
}
