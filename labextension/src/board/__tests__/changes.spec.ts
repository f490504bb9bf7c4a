import type { NodeChange } from '@xyflow/react';
import { describe, expect, it } from 'vitest';
import type { Point } from '../../domain/boardLayout';
import { operationsOf, steady } from '../changes';
import type { BoardNode, NodeKind } from '../toNodes';

const node = (id: string, type: NodeKind, dragging: boolean): BoardNode => ({
  id,
  type,
  dragging,
  data: {},
  position: { x: 0, y: 0 }
});
const nodes = (dragging: boolean): Map<string, BoardNode> =>
  new Map([node('a', 'worktree', dragging), node('b', 'worktree', dragging), node('z', 'zone', dragging)].map(each => [each.id, each]));
const moved = (id: string, x: number, y: number, dragging: boolean): NodeChange<BoardNode> => ({
  id,
  type: 'position',
  position: { x, y },
  dragging
});
const origin = (): Point => [0, 0];

describe('operationsOf', () => {
  it('only shows a drag while it lasts', () => {
    expect(operationsOf([moved('a', 3.4, 4.6, true)], nodes(true), origin)).toEqual({
      drops: [],
      layout: [],
      drag: { id: 'a', pos: [3, 5] }
    });
  });

  it('drops a card once, when it is let go', () => {
    expect(operationsOf([moved('a', 30, 40, false)], nodes(true), origin)).toEqual({
      drops: [{ id: 'a', pos: [30, 40] }],
      layout: [],
      drag: null
    });
  });

  it('drops each of several cards', () => {
    const { drops } = operationsOf([moved('a', 1, 1, false), moved('b', 2, 2, false)], nodes(true), origin);
    expect(drops.map(drop => drop.id)).toEqual(['a', 'b']);
  });

  it('writes a zone’s place into the document', () => {
    expect(operationsOf([moved('z', 7, 8, false)], nodes(true), origin)).toEqual({
      drops: [],
      layout: [{ kind: 'zones', id: 'z', fields: { pos: [7, 8] } }],
      drag: null
    });
  });

  it('does nothing for a card put back where it was', () => {
    expect(operationsOf([moved('a', 5, 6, false)], nodes(true), () => [5, 6]).drops).toEqual([]);
  });

  it('does nothing for a place that nobody dragged to', () => {
    expect(operationsOf([moved('a', 5, 6, false)], nodes(false), origin)).toEqual({ drops: [], layout: [] });
  });

  it('does nothing for selection, size or a node it does not know', () => {
    const changes: NodeChange<BoardNode>[] = [
      { id: 'a', type: 'select', selected: true },
      { id: 'a', type: 'dimensions', dimensions: { width: 1, height: 1 } },
      moved('gone', 1, 1, false)
    ];
    expect(operationsOf(changes, nodes(true), origin)).toEqual({ drops: [], layout: [] });
  });
});

describe('steady', () => {
  it('takes back a click whose hand shook, and no real move', () => {
    const [clicked, dragged] = steady([moved('a', 2, 1, false), moved('b', 30, 1, false)], 3, origin);
    expect(clicked).toMatchObject({ position: { x: 0, y: 0 } });
    expect(dragged).toMatchObject({ position: { x: 30, y: 1 } });
  });

  it('leaves what is still held, resized or nowhere written', () => {
    const resized: NodeChange<BoardNode> = { id: 'a', type: 'position', position: { x: 2, y: 1 } };
    const changes = [moved('a', 2, 1, true), resized];
    expect(steady(changes, 3, origin)).toEqual(changes);
    expect(steady([moved('a', 2, 1, false)], 3, () => undefined)).toEqual([moved('a', 2, 1, false)]);
  });
});
