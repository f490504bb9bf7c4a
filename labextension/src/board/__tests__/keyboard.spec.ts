import { describe, expect, it } from 'vitest';
import { CommandIds } from '../../domain/commandIds';
import { approach } from '../Cursors';
import { keyAct } from '../keyboard';
import { toEdges } from '../toEdges';
import type { BoardNode } from '../toNodes';
import type { SessionRow } from '../../schema/types';

const card = (id: string, x: number, y: number): BoardNode => ({ id, type: 'worktree', data: {}, position: { x, y } });
//  a b
//  c
const nodes = [card('a', 0, 0), card('b', 320, 20), card('c', 10, 220), { ...card('z', 0, -40), type: 'zone' as const }];
const press = (key: string, shiftKey = false): Parameters<typeof keyAct>[0] => ({
  key,
  shiftKey,
  ctrlKey: false,
  metaKey: false
});

describe('keyAct', () => {
  it.each([
    ['ArrowRight', 'a', 'b'],
    ['ArrowLeft', 'b', 'a'],
    ['ArrowDown', 'a', 'c'],
    ['ArrowUp', 'c', 'a']
  ])('%s goes from %s to %s', (key, from, to) => {
    expect(keyAct(press(key), from, nodes, true)).toEqual({ act: 'focus', id: to });
  });

  it('stays where nothing lies in that direction', () => {
    expect(keyAct(press('ArrowLeft'), 'a', nodes, true)).toBeNull();
  });

  it('begins with the first card', () => {
    expect(keyAct(press('ArrowDown'), null, nodes, true)).toEqual({ act: 'focus', id: 'a' });
  });

  it('opens with Enter, selects with Space', () => {
    expect(keyAct(press('Enter'), 'a', nodes, true)).toEqual({ act: 'open', id: 'a' });
    expect(keyAct(press(' '), 'a', nodes, true)).toEqual({ act: 'toggle', id: 'a' });
  });

  it('moves with Shift, but not for who may only watch', () => {
    expect(keyAct(press('ArrowRight', true), 'a', nodes, true)).toEqual({ act: 'move', id: 'a', pos: [20, 0] });
    expect(keyAct(press('ArrowRight', true), 'a', nodes, false)).toBeNull();
  });

  it('searches, lists keys, leaves the browser its own', () => {
    expect(keyAct(press('/'), null, nodes, true)).toEqual({ act: 'run', command: CommandIds.searchBoard });
    expect(keyAct(press('?', true), null, nodes, true)).toEqual({ act: 'run', command: CommandIds.showShortcuts });
    expect(keyAct({ ...press('Delete'), ctrlKey: true }, null, nodes, true)).toBeNull();
  });
});

describe('approach', () => {
  it('comes nearer and then arrives', () => {
    const [x] = approach([0, 0], [100, 0], 16.7);
    expect(x).toBeGreaterThan(20);
    expect(x).toBeLessThan(40);
    expect(approach([99.8, 0], [100, 0], 16.7)).toEqual([100, 0]);
  });
});

describe('toEdges', () => {
  const row = (id: string, worktree_id: string, parent_id: string | null, genealogy: string): [string, SessionRow] => [
    id,
    { id, worktree_id, parent_id, genealogy } as SessionRow
  ];

  it('joins cards of kin in different worktrees, once', () => {
    const rows = new Map([
      row('p', 'a', null, 'root'),
      row('f', 'b', 'p', 'fork'),
      row('g', 'b', 'p', 'fork'),
      row('s', 'a', 'p', 'spawn')
    ]);
    expect(toEdges(rows).map(edge => [edge.source, edge.target])).toEqual([['a', 'b']]);
  });
});
