/** Shape the board's layout into React Flow nodes. Pure: an unchanged node keeps its identity. */
import type { Node } from '@xyflow/react';
import type { CardPlace, Layout, Point } from '../domain/boardLayout';
import { CARD_WIDE, CARD_WIDTH, freePlace } from '../domain/boardLayout';

export type NodeKind = 'worktree' | 'zone' | 'note';

export interface CardData extends Record<string, unknown> {
  readonly collapsed: boolean;
  readonly wide: boolean;
}

export type BoardNode = Node<Record<string, unknown>, NodeKind>;

export interface BoardInput {
  readonly layout: Layout;
  /** The worktrees that exist, in a stable order: a card without a place gets a free one. */
  readonly worktreeIds: readonly string[];
  /** Where this page put things down, then where others hold them now; both go before the document. */
  readonly held: ReadonlyMap<string, Point>;
  readonly drags: ReadonlyMap<string, Point>;
  readonly writable: boolean;
  /** What a screen reader is told of a node. */
  readonly labelOf: (id: string, kind: NodeKind) => string;
}

const LAYERS: Record<NodeKind, number> = { zone: 0, note: 500, worktree: 1000 };

/** Make the nodes of a board; `before` are the present ones, whose selection and drags are kept. */
export function toNodes(input: BoardInput, before: readonly BoardNode[]): BoardNode[] {
  const known = new Map(before.map(node => [node.id, node]));
  const { layout } = input;
  const zones = [...layout.zones].map(([id, zone]) =>
    node(input, known.get(id), id, 'zone', zone.pos, zone.size, { order: zone.order })
  );
  const notes = [...layout.notes].map(([id, note]) =>
    node(input, known.get(id), id, 'note', note.pos, note.size, {})
  );
  const cards = placeCards(input).map(([id, place]) => {
    const data: CardData = { collapsed: place.collapsed ?? false, wide: place.wide ?? false };
    return node(input, known.get(id), id, 'worktree', place.pos, [data.wide ? CARD_WIDE : CARD_WIDTH, null], data);
  });
  return keepOrder([...zones, ...notes, ...cards], before);
}

/** Give every worktree a place: its own, or a free one that nobody has written yet. */
function placeCards({ layout, worktreeIds }: BoardInput): [string, CardPlace][] {
  const points = worktreeIds.flatMap(id => {
    const place = layout.cards.get(id);
    return place === undefined ? [] : [place.pos];
  });
  return worktreeIds.map(id => {
    const place = layout.cards.get(id);
    if (place !== undefined) {
      return [id, place];
    }
    const pos = freePlace(points);
    points.push(pos);
    return [id, { pos }];
  });
}

function node(
  input: BoardInput,
  old: BoardNode | undefined,
  id: string,
  type: NodeKind,
  place: Point,
  [width, height]: readonly [number, number | null],
  data: Record<string, unknown>
): BoardNode {
  const moving = old?.dragging === true || old?.resizing === true;
  const [x, y] = input.drags.get(id) ?? input.held.get(id) ?? place;
  const position = moving ? old.position : { x, y };
  const className = input.drags.has(id) ? 'jp-AgorNode-mod-remote' : '';
  const next: BoardNode = {
    id,
    type,
    position,
    data,
    className,
    zIndex: LAYERS[type] + (typeof data['order'] === 'number' ? data['order'] : 0),
    draggable: input.writable,
    deletable: false,
    connectable: false,
    ariaLabel: input.labelOf(id, type),
    ...(moving ? {} : { width, ...(height === null ? {} : { height }) }),
    ...(type === 'zone' ? { dragHandle: '.jp-AgorZone-name' } : {})
  };
  if (old === undefined) {
    return next;
  }
  return same(old, next) ? old : { ...old, ...next };
}

const COMPARED = ['className', 'zIndex', 'draggable', 'ariaLabel', 'width', 'height'] as const;

function same(old: BoardNode, next: BoardNode): boolean {
  return (
    old.position.x === next.position.x &&
    old.position.y === next.position.y &&
    COMPARED.every(name => !(name in next) || old[name] === next[name]) &&
    Object.entries(next.data).every(([name, value]) => old.data[name] === value)
  );
}

/** Give the same array back when nothing changed at all. */
function keepOrder(next: BoardNode[], before: readonly BoardNode[]): BoardNode[] {
  const equal = next.length === before.length && next.every((each, index) => each === before[index]);
  return equal ? (before as BoardNode[]) : next;
}
