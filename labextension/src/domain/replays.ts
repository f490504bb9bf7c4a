/** Whether a fork begins with a transcript: what agor_jupyter/service/forks.py will decide, said beforehand. Pure. */
import type { AgentInfo, Session, Task } from '../schema/types';

/** How many of the tasks that ran in a session a fork of it shares. */
export interface Kept {
  readonly none: boolean;
  readonly all: boolean;
}

/** A fork at the end shares all that was said. */
export const WHOLE: Kept = { none: false, all: true };

/** Cut before or after a task, as `cut` of agor_jupyter/domain/genealogy.py. */
export function keptOf(tasks: readonly Task[], taskId: string, position: 'before' | 'after'): Kept {
  const ran = tasks
    .filter(task => task.started_ms !== null && (task.status === 'running' || task.status === 'ended'))
    .sort((one, other) => (one.started_ms ?? 0) - (other.started_ms ?? 0));
  const place = ran.findIndex(task => task.id === taskId);
  const count = position === 'after' ? place + 1 : place;
  return { none: count <= 0, all: count === ran.length };
}

/** Say whether the fork's agent cannot branch there by itself. `agent` is the one at hand (see `atHand`). */
export function isReplayed(session: Session, agent: AgentInfo | undefined, me: string | undefined, kept: Kept): boolean {
  if (kept.none && session.fork === null) {
    return session.origin?.replayed === true;
  }
  const { fork, fork_at_message: anywhere } = agent?.capabilities ?? { fork: true, fork_at_message: true };
  if (!fork || (me !== undefined && me !== session.owner)) {
    return true; // it cannot, or it is another person's: that one alone remembers
  }
  return !kept.none && !anywhere && !(session.native_ref !== '' && kept.all && session.current_task === null);
}
