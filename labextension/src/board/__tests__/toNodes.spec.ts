import { describe, expect, it } from 'vitest';
import type { Layout } from '../../domain/boardLayout';
import type { BoardInput, BoardNode } from '../toNodes';
import { toNodes } from '../toNodes';

const layout = (cards: Record<string, [number, number]>): Layout => ({
  cards: new Map(Object.entries(cards).map(([id, pos]) => [id, { pos }])),
  zones: new Map([['z', { pos: [0, 0], size: [400, 300], name: 'Build', hue: 210, order: 1 }]]),
  notes: new Map([['n', { pos: [5, 6], size: [200, 140], text: 'hi', hue: 48 }]])
});

const input = (changes: Partial<BoardInput> = {}): BoardInput => ({
  layout: layout({ a: [10, 20], b: [400, 20] }),
  worktreeIds: ['a', 'b'],
  held: new Map(),
  drags: new Map(),
  writable: true,
  labelOf: id => id,
  ...changes
});

const places = (nodes: readonly BoardNode[]): Record<string, [number, number]> =>
  Object.fromEntries(nodes.map(node => [node.id, [node.position.x, node.position.y]]));

describe('toNodes', () => {
  it('puts each thing where the document says, zones lowest', () => {
    const nodes = toNodes(input(), []);
    expect(places(nodes)).toEqual({ z: [0, 0], n: [5, 6], a: [10, 20], b: [400, 20] });
    expect(nodes.map(node => node.zIndex)).toEqual([1, 500, 1000, 1000]);
  });

  it('leaves out places of worktrees that are gone', () => {
    expect(places(toNodes(input({ worktreeIds: ['b'] }), []))).not.toHaveProperty('a');
  });

  it('gives a card without a place a free one, and no two the same', () => {
    const nodes = toNodes(input({ layout: layout({ a: [40, 60] }), worktreeIds: ['a', 'b', 'c'] }), []);
    const { a, b, c } = places(nodes);
    expect(new Set([a, b, c].map(String)).size).toBe(3);
  });

  it('gives the very same nodes back when nothing changed', () => {
    const before = toNodes(input(), []);
    expect(toNodes(input(), before)).toBe(before);
  });

  it('changes only the node that moved', () => {
    const before = toNodes(input(), []);
    const after = toNodes(input({ layout: layout({ a: [11, 20], b: [400, 20] }) }), before);
    expect(after.find(node => node.id === 'a')).not.toBe(before.find(node => node.id === 'a'));
    expect(after.filter(node => node.id !== 'a')).toEqual(before.filter(node => node.id !== 'a'));
    after.filter(node => node.id !== 'a').forEach(node => expect(before).toContain(node));
  });

  it('follows a teammate’s hand before the document, and says so to the eye', () => {
    const nodes = toNodes(input({ drags: new Map([['a', [70, 80] as const]]) }), []);
    expect(places(nodes)['a']).toEqual([70, 80]);
    expect(nodes.find(node => node.id === 'a')?.className).toBe('jp-AgorNode-mod-remote');
  });

  it('keeps a dropped card where it was put until the document says so', () => {
    expect(places(toNodes(input({ held: new Map([['a', [1, 2] as const]]) }), []))['a']).toEqual([1, 2]);
  });

  it('never pulls a card out of the hand that drags it here', () => {
    const held = toNodes(input(), []).map(node =>
      node.id === 'a' ? { ...node, dragging: true, position: { x: 99, y: 98 } } : node
    );
    const after = toNodes(input({ layout: layout({ a: [500, 500], b: [0, 0] }) }), held);
    expect(places(after)['a']).toEqual([99, 98]);
  });

  it('keeps what is selected', () => {
    const before = toNodes(input(), []).map(node => ({ ...node, selected: node.id === 'a' }));
    const after = toNodes(input({ layout: layout({ a: [12, 20], b: [400, 20] }) }), before);
    expect(after.filter(node => node.selected === true).map(node => node.id)).toEqual(['a']);
  });

  it('lets nobody drag who may only watch', () => {
    expect(toNodes(input({ writable: false }), []).every(node => node.draggable === false)).toBe(true);
  });
});
