/**
 * What a command acts on when it is given no id: what somebody has in front of them. That is the card that
 * is selected on the board in front, else the session panel used last, else a card selected elsewhere.
 */
import { ProblemError } from '../api/problem';
import { byAttention } from '../domain/attention';
import { viewOf } from '../model/attention';
import type { Session, Worktree } from '../schema/types';
import type { Args, CommandContext } from './table';
import { textArg } from './table';

export interface Target {
  readonly session: string | null;
  readonly worktree: string | null;
}

/** Name the session and the worktree that are meant, with or without an id in `args`. */
export function targetOf(context: CommandContext, args: Args): Target {
  const [session, worktree] = [textArg(args, 'session_id'), textArg(args, 'worktree_id')];
  if (session !== null || worktree !== null) {
    return { session, worktree };
  }
  const { app, boards } = context;
  const card = (inFront: boolean): Target | null => {
    const view = inFront ? boards.inFront() : boards.current();
    const id = view?.selection.get().find(each => app.workspace.worktrees.get().has(each));
    return id === undefined ? null : { session: mostUrgentOf(context, id), worktree: id };
  };
  const panel = app.current.get();
  const open = panel === null ? undefined : app.workspace.sessions.get().get(panel);
  const ofPanel = panel === null ? null : { session: panel, worktree: open?.worktree_id ?? null };
  return card(true) ?? ofPanel ?? card(false) ?? { session: null, worktree: null };
}

/** Name the session of a card that needs somebody most. */
function mostUrgentOf({ app }: CommandContext, worktreeId: string): string | null {
  const [first] = [...app.workspace.sessions.get().values()]
    .filter(session => session.worktree_id === worktreeId && !session.archived)
    .map(session => viewOf(app.workspace, session))
    .sort(byAttention);
  return first?.session.id ?? null;
}

/** Name the session to act on, or refuse with the next step. */
export function needSession(context: CommandContext, args: Args): string {
  const { session } = targetOf(context, args);
  if (session === null) {
    const { trans } = context;
    const hint = trans.__('Open a session, or select its card on a board.');
    throw new ProblemError({ detail: trans.__('There is no session to act on (session_id).'), hint }, 0);
  }
  return session;
}

/** Give the record of a session, as far as this page knows it. */
export function recordOf({ app }: CommandContext, id: string | null): Session | undefined {
  return app.workspace.sessions.get().get(id ?? '');
}

export function needWorktree(context: CommandContext, args: Args): Worktree {
  const { trans, app } = context;
  const { worktree } = targetOf(context, args);
  const found = app.workspace.worktrees.get().get(worktree ?? '');
  if (found === undefined) {
    const detail =
      worktree === null
        ? trans.__('There is no worktree to act on (worktree_id).')
        : trans.__('This worktree is not known.');
    throw new ProblemError({ detail, hint: trans.__('Select its card on a board.') }, worktree === null ? 0 : 404);
  }
  return found;
}

/**
 * Make an `enabled` of a command about a session: somebody may run agents, there is a session, and
 * `fits` where this page knows its record.
 */
export function whereSession(
  context: CommandContext,
  fits: (session: Session) => boolean = () => true,
  mayDo: (context: CommandContext) => boolean = mayRun
): (args: Args) => boolean {
  return args => {
    const { session } = targetOf(context, args);
    const record = recordOf(context, session);
    return mayDo(context) && session !== null && (record === undefined || fits(record));
  };
}

export const mayRun = ({ app }: CommandContext): boolean => app.workspace.may('execute', 'agor:sessions');
export const mayRead = ({ app }: CommandContext): boolean => app.workspace.me.get() !== null;

/** What is the owner's to change: title, mode, model, effort, archive. */
export function isMine({ app }: CommandContext, session: Session): boolean {
  return session.owner === app.workspace.me.get()?.person.id || app.workspace.may('admin', 'agor:sessions');
}
