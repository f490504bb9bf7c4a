/** Hairlines between cards whose sessions are kin: a fork solid, a spawn dashed. Pure. */
import type { Edge } from '@xyflow/react';
import type { SessionRow } from '../schema/types';

export function toEdges(sessions: ReadonlyMap<string, SessionRow>): Edge[] {
  const edges = new Map<string, Edge>();
  for (const child of sessions.values()) {
    const parent = child.parent_id === null ? undefined : sessions.get(child.parent_id);
    if (parent !== undefined && parent.worktree_id !== child.worktree_id) {
      const id = `${parent.worktree_id}→${child.worktree_id}:${child.genealogy}`;
      edges.set(id, {
        id,
        source: parent.worktree_id,
        target: child.worktree_id,
        className: `jp-AgorEdge jp-AgorEdge-mod-${child.genealogy}`,
        focusable: false,
        selectable: false
      });
    }
  }
  return [...edges.values()];
}
