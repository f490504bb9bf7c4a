/** What waits for this person, from the shared lists: the side bar's badge and the order of its rows. */
import type { Noticeable } from '../domain/attention';
import { byAttention } from '../domain/attention';
import type { Session, Worktree } from '../schema/types';
import type { Workspace } from './workspace';

export interface SessionView extends Noticeable {
  readonly session: Session;
  readonly status: Session['status'];
  readonly unseen: boolean;
  readonly updated_ms: number;
}

export interface WorktreeView {
  readonly worktree: Worktree;
  readonly sessions: readonly SessionView[];
}

/** Show a session with what this person has not seen of it. Work of others is not news to me. */
export function viewOf(workspace: Workspace, session: Session): SessionView {
  const mine = session.owner === workspace.me.get()?.person.id;
  const unseen =
    mine && session.task_count > 0 && workspace.seen.isUnseen(session.id, session.updated_ms);
  return { session, status: session.status, unseen, updated_ms: session.updated_ms };
}

/** Count the sessions that wait for an answer of this person. */
export function countWaiting(workspace: Workspace): number {
  const me = workspace.me.get()?.person.id;
  return [...workspace.sessions.get().values()].filter(
    session => session.status === 'awaiting_permission' && session.owner === me && !session.archived
  ).length;
}

/** List worktrees with their sessions, what needs attention first; archived ones are left out. */
export function worktreeViews(workspace: Workspace): WorktreeView[] {
  const byWorktree = new Map<string, SessionView[]>();
  for (const session of workspace.sessions.get().values()) {
    if (!session.archived) {
      const views = byWorktree.get(session.worktree_id) ?? [];
      views.push(viewOf(workspace, session));
      byWorktree.set(session.worktree_id, views);
    }
  }
  return [...workspace.worktrees.get().values()]
    .filter(worktree => worktree.state !== 'archived')
    .map(worktree => ({ worktree, sessions: (byWorktree.get(worktree.id) ?? []).sort(byAttention) }))
    .sort((a, b) => byAttention(headOf(a), headOf(b)));
}

function headOf({ worktree, sessions }: WorktreeView): Noticeable {
  return sessions[0] ?? { status: 'idle', updated_ms: worktree.created_ms };
}
