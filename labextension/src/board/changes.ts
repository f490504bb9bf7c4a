/** What React Flow reports, as what must be done to the document. Pure; the canvas performs it. */
import type { NodeChange } from '@xyflow/react';
import type { Point } from '../domain/boardLayout';
import type { LayoutChange } from '../model/boardDoc';
import type { BoardNode, NodeKind } from './toNodes';

export interface Operations {
  /** Cards that were put down: one POST each, for the server finds the zone. */
  readonly drops: readonly { readonly id: string; readonly pos: Point }[];
  /** Zones and notes that were put down: written into the layout document. */
  readonly layout: readonly LayoutChange[];
  /** What is held at this moment: a string id starts or goes on, null ends, undefined says nothing. */
  readonly drag?: { readonly id: string; readonly pos: Point } | null;
}

const KINDS: Record<Exclude<NodeKind, 'worktree'>, LayoutChange['kind']> = { zone: 'zones', note: 'notes' };

/** Put back what was let go within `slack` of its place: that was a click, whose hand shook. */
export function steady(
  changes: readonly NodeChange<BoardNode>[],
  slack: number,
  placeOf: (id: string) => Point | undefined
): NodeChange<BoardNode>[] {
  return changes.map(change => {
    if (change.type !== 'position' || change.dragging !== false || change.position === undefined) {
      return change;
    }
    const place = placeOf(change.id);
    const { x, y } = change.position;
    if (place === undefined || Math.hypot(x - place[0], y - place[1]) > slack) {
      return change;
    }
    return { ...change, position: { x: place[0], y: place[1] } };
  });
}

/** Decide on a batch of changes. `nodes` are the nodes before it, `placeOf` is where the document has them. */
export function operationsOf(
  changes: readonly NodeChange<BoardNode>[],
  nodes: ReadonlyMap<string, BoardNode>,
  placeOf: (id: string) => Point | undefined
): Operations {
  const drops: { id: string; pos: Point }[] = [];
  const layout: LayoutChange[] = [];
  let drag = undefined as Operations['drag'];
  for (const change of changes) {
    const node = 'id' in change ? nodes.get(change.id) : undefined;
    if (change.type !== 'position' || node === undefined || change.position === undefined) {
      continue;
    }
    const pos: Point = [Math.round(change.position.x), Math.round(change.position.y)];
    if (change.dragging === true) {
      drag ??= { id: node.id, pos };
    } else if (node.dragging === true) {
      drag ??= null;
      const place = placeOf(node.id);
      if (place?.[0] === pos[0] && place[1] === pos[1]) {
        continue;
      }
      if (node.type === 'worktree') {
        drops.push({ id: node.id, pos });
      } else {
        layout.push({ kind: KINDS[node.type], id: node.id, fields: { pos: [...pos] } });
      }
    }
  }
  return drag === undefined ? { drops, layout } : { drops, layout, drag };
}
