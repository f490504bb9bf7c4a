/** Commands about what a session is called, how it works, where its notebook is, and putting it away. */
import { fetchSession, fetchTranscript, patchSession, rebuildTranscript } from '../api/sessions';
import type { SessionPatch } from '../api/sessions';
import type { AgentInfo } from '../api/agents';
import { ProblemError } from '../api/problem';
import { CommandIds } from '../domain/commandIds';
import { modeWords } from '../domain/modes';
import type { Choice } from '../domain/offers';
import { effortsOf, modelsOf } from '../domain/offers';
import type { Session } from '../schema/types';
import { notifyDone, notifyProblem } from '../ui/notify';
import { askItem, askLine } from './ask';
import { sessionArg } from './sessions';
import type { Args, Command, CommandContext } from './table';
import { text, textArg } from './table';
import { isMine, mayRead, needSession, recordOf, whereSession } from './targets';

export function recordCommands(context: CommandContext): Command[] {
  return [...nameCommands(context), ...dialCommands(context), ...notebookCommands(context)];
}

async function patch({ app }: CommandContext, id: string, changes: SessionPatch): Promise<Session> {
  const session = await patchSession(app.http, id, changes);
  app.workspace.take({ session });
  return session;
}

function nameCommands(context: CommandContext): Command[] {
  const { trans } = context;
  const mine = whereSession(context, session => isMine(context, session));
  return [
    {
      id: CommandIds.renameSession,
      label: trans.__('Rename Session…'),
      brief: trans.__('Rename…'),
      args: { ...sessionArg, title: text('The new title; asked for when absent.') },
      enabled: mine,
      execute: async args => {
        const id = needSession(context, args);
        const before = recordOf(context, id)?.title ?? '';
        const title = textArg(args, 'title') ?? (await askLine(trans.__('New title of the session'), before));
        return title === null ? null : await patch(context, id, { title });
      }
    },
    {
      id: CommandIds.archiveSession,
      label: trans.__('Archive Session'),
      brief: trans.__('Archive'),
      args: sessionArg,
      enabled: whereSession(context, session => !session.archived && isMine(context, session)),
      execute: async args => {
        const session = await patch(context, needSession(context, args), { archived: true });
        notifyDone(trans.__('“%1” is archived.', session.title), trans, () => {
          patch(context, session.id, { archived: false }).catch((error: unknown) => notifyProblem(error));
        });
        return session;
      }
    }
  ];
}

type Dial = 'mode' | 'model' | 'effort';

/** Mode, model and effort: each asked for when it is not given, each only where the agent can switch it. */
function dialCommands(context: CommandContext): Command[] {
  const { trans } = context;
  const dial = (id: Command['id'], name: Dial, label: string, title: string, description: string): Command => ({
    id,
    label,
    args: { ...sessionArg, [name]: text(description) },
    enabled: whereSession(context, session => isMine(context, session) && canSwitch(name, agentOf(context, session))),
    execute: args => turn(context, args, name, title)
  });
  return [
    dial(
      CommandIds.setMode,
      'mode',
      trans.__('Change the Mode of the Session…'),
      trans.__('How free is the agent?'),
      'ask, accept_edits, plan or full_auto; asked for when absent.'
    ),
    dial(
      CommandIds.setModel,
      'model',
      trans.__('Change the Model of the Session…'),
      trans.__('Which model?'),
      'A model of the agent; asked for when absent.'
    ),
    dial(
      CommandIds.setEffort,
      'effort',
      trans.__('Change the Effort of the Session…'),
      trans.__('How hard should it think?'),
      'An effort that the agent offers; asked for when absent.'
    )
  ];
}

const agentOf = ({ app }: CommandContext, session: Session): AgentInfo | undefined =>
  app.workspace.agents.get().find(each => each.kind === session.agent);

function canSwitch(name: Dial, agent: AgentInfo | undefined): boolean {
  return name === 'mode' || agent?.capabilities[`set_${name}`] === true;
}

async function turn(context: CommandContext, args: Args, name: Dial, title: string): Promise<Session | null> {
  const { trans } = context;
  const id = needSession(context, args);
  const given = textArg(args, name);
  if (given !== null) {
    return await patch(context, id, { [name]: given });
  }
  if (recordOf(context, id) === undefined) {
    throw new ProblemError({ detail: trans.__('This session is not known.') }, 404);
  }
  // The whole record: those that are listed leave out what the agent offers.
  const session = await fetchSession(context.app.http, id);
  const agent = agentOf(context, session);
  const choices: Record<Dial, readonly Choice[]> = {
    mode: (agent?.modes ?? []).map(mode => [mode, trans.__(modeWords(mode).title)]),
    model: modelsOf(session, agent),
    effort: effortsOf(session, agent).map(each => [each, each])
  };
  const free = name === 'model' && agent?.capabilities.any_model === true;
  const chosen =
    choices[name].length === 0
      ? await askLine(title, session[name])
      : await askItem(title, choices[name], session[name], free);
  return chosen === null || chosen === session[name] ? null : await patch(context, id, { [name]: chosen });
}

function notebookCommands(context: CommandContext): Command[] {
  const { app, commands, trans } = context;
  return [
    {
      id: CommandIds.openTranscript,
      label: trans.__('Open the Transcript Notebook'),
      brief: trans.__('Transcript'),
      args: sessionArg,
      enabled: whereSession(context, () => true, mayRead),
      execute: async args => {
        const { lab_path, path } = await fetchTranscript(app.http, needSession(context, args));
        if (lab_path === null) {
          const detail = trans.__('The transcript %1 lies outside the folder that JupyterLab shows.', path);
          throw new ProblemError({ detail }, 0);
        }
        await commands.execute('docmanager:open', { path: lab_path });
      }
    },
    {
      id: CommandIds.rebuildTranscript,
      label: trans.__('Draw the Transcript Notebook Again'),
      args: sessionArg,
      enabled: whereSession(context),
      execute: async args => {
        const place = await rebuildTranscript(app.http, needSession(context, args));
        notifyDone(trans.__('The transcript is drawn again: %1', place.lab_path ?? place.path), trans);
        return place;
      }
    }
  ];
}
