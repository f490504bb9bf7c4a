/** The tree of a worktree's sessions: forks are siblings that share a history, spawns are children. */

export interface Kin {
  readonly id: string;
  readonly parent_id: string | null;
  readonly updated_ms: number;
}

export interface Branch<T extends Kin> {
  readonly session: T;
  readonly depth: number;
}

/**
 * Give the sessions in reading order, each with its depth. A session whose parent is not in the list
 * (hidden, archived, in another worktree) stands at the root: a child never vanishes with its parent.
 */
export function toTree<T extends Kin>(sessions: readonly T[]): Branch<T>[] {
  const present = new Set(sessions.map(session => session.id));
  const children = new Map<string | null, T[]>();
  for (const session of sessions) {
    const parent = session.parent_id !== null && present.has(session.parent_id) ? session.parent_id : null;
    children.set(parent, [...(children.get(parent) ?? []), session]);
  }
  const found: Branch<T>[] = [];
  const walked = new Set<string>();
  const walk = (parent: string | null, depth: number): void => {
    for (const session of children.get(parent) ?? []) {
      if (!walked.has(session.id)) {
        walked.add(session.id);
        found.push({ session, depth });
        walk(session.id, depth + 1);
      }
    }
  };
  walk(null, 0);
  // A circle of parents reaches no root: its members are shown all the same.
  for (const session of sessions) {
    if (!walked.has(session.id)) {
      walked.add(session.id);
      found.push({ session, depth: 0 });
      walk(session.id, 1);
    }
  }
  return found;
}
