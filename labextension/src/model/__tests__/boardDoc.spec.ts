import { describe, expect, it, vi } from 'vitest';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { GroupedStore } from '../grouped';
import { cardOf, noteOf, zoneOf } from '../layoutWords';
import { Presence } from '../presence';
import { YMapStore } from '../yMap';

const entry = (fields: Record<string, unknown>): Y.Map<unknown> => new Y.Map(Object.entries(fields));

describe('YMapStore', () => {
  it('keeps the identity of what did not change', () => {
    const doc = new Y.Doc();
    const map = doc.getMap('cards');
    map.set('a', entry({ pos: [1, 2] }));
    map.set('b', entry({ pos: [3, 4] }));
    const store = new YMapStore(map, cardOf);
    const before = store.get();
    (map.get('a') as Y.Map<unknown>).set('pos', [9, 9]);
    expect(store.get().get('a')?.pos).toEqual([9, 9]);
    expect(store.get().get('b')).toBe(before.get('b'));
    expect(before.get('a')?.pos).toEqual([1, 2]);
  });

  it('follows additions, deletions and replacements', () => {
    const doc = new Y.Doc();
    const map = doc.getMap('cards');
    const store = new YMapStore(map, cardOf);
    map.set('a', entry({ pos: [1, 2] }));
    map.set('a', entry({ pos: [5, 6] }));
    map.set('b', { pos: [7, 8] });
    expect([...store.get().keys()]).toEqual(['a', 'b']);
    map.delete('a');
    expect([...store.get().keys()]).toEqual(['b']);
    store.close();
    map.delete('b');
    expect(store.get().size).toBe(1);
  });

  it('tells watchers once a transaction', () => {
    const doc = new Y.Doc();
    const map = doc.getMap('cards');
    const store = new YMapStore(map, cardOf);
    const heard = vi.fn();
    store.subscribe(heard);
    doc.transact(() => {
      map.set('a', entry({ pos: [1, 2] }));
      map.set('b', entry({ pos: [3, 4] }));
    });
    expect(heard).toHaveBeenCalledTimes(1);
  });
});

describe('what any member may have written', () => {
  it.each([undefined, null, 7, 'x', {}, { pos: [1] }, { pos: ['a', 'b'] }, { pos: [NaN, 1] }, { pos: [1, Infinity] }])(
    'leaves out a card that makes no sense: %j',
    value => {
      expect(cardOf(value)).toBeNull();
    }
  );

  it('clips what is out of all proportion', () => {
    expect(zoneOf({ pos: [1e12, 0], size: [-5, 2], name: 7 })).toEqual({
      pos: [1_000_000, 0],
      size: [40, 40],
      name: '',
      hue: 210,
      order: 0
    });
    expect(noteOf({ pos: [0, 0], text: 'x'.repeat(20_000) })?.text).toHaveLength(10_000);
  });
});

describe('GroupedStore', () => {
  it('keeps groups that did not change', () => {
    const doc = new Y.Doc();
    const map = doc.getMap('sessions');
    const rows = new YMapStore(map, value => value as { wt: string; title: string });
    const groups = new GroupedStore(rows, row => row.wt);
    map.set('1', { wt: 'a', title: 'x' });
    map.set('2', { wt: 'b', title: 'y' });
    const before = groups.get();
    map.set('2', { wt: 'b', title: 'z' });
    expect(groups.get().get('a')).toBe(before.get('a'));
    expect(groups.get().get('b')?.[0]?.title).toBe('z');
    map.delete('2');
    expect(groups.get().has('b')).toBe(false);
  });
});

describe('Presence', () => {
  const person = { id: 'ann', name: 'Ann', display_name: 'Ann', initials: 'A', color: null };
  const other = (username: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
    user: { username, name: username, display_name: username, initials: '', color: null },
    cursor: null,
    drag: null,
    selection: [],
    ...more
  });
  const put = (awareness: Awareness, id: number, state: Record<string, unknown>): void => {
    awareness.states.set(id, state);
    awareness.emit('change', [{ added: [id], updated: [], removed: [] }, 'remote']);
  };

  it('says who I am and sends moves at most once in 40 ms', () => {
    vi.useFakeTimers();
    const awareness = new Awareness(new Y.Doc());
    const presence = new Presence(awareness, person, 'ann');
    const changed = vi.fn();
    awareness.on('update', changed);
    for (let step = 0; step <= 100; step += 1) {
      presence.setCursor([step, step + 0.4]);
    }
    vi.advanceTimersByTime(45);
    expect(changed).toHaveBeenCalledTimes(1);
    expect(awareness.getLocalState()).toMatchObject({ user: { username: 'ann' }, cursor: [100, 100] });
    presence.close();
    awareness.destroy();
    vi.useRealTimers();
  });

  it('shows others, never myself, and survives nonsense', () => {
    const awareness = new Awareness(new Y.Doc());
    const presence = new Presence(awareness, person, 'ann');
    put(awareness, 1, other('bob', { cursor: [1, 2], drag: { id: 'wt', pos: [3, 4] }, session: 'ses' }));
    put(awareness, 2, { user: 'x' });
    put(awareness, 3, other('eve', { cursor: 'here', drag: { id: 7 }, selection: 'all' }));
    expect(presence.peers.get().map(peer => peer.user.username)).toEqual(['bob', 'eve']);
    expect([...presence.cursors.get().keys()]).toEqual([1]);
    expect(presence.drags.get()).toEqual(new Map([['wt', [3, 4]]]));
    awareness.destroy();
  });

  it('does not call it a new face when somebody only moves', () => {
    const awareness = new Awareness(new Y.Doc());
    const presence = new Presence(awareness, person, 'ann');
    put(awareness, 1, other('bob', { cursor: [1, 2] }));
    const peers = presence.peers.get();
    const cursor = presence.cursors.get().get(1);
    put(awareness, 1, other('bob', { cursor: [1, 2] }));
    expect(presence.cursors.get().get(1)).toBe(cursor);
    put(awareness, 1, other('bob', { cursor: [5, 2] }));
    expect(presence.peers.get()).toBe(peers);
    expect(presence.cursors.get().get(1)).not.toBe(cursor);
    awareness.destroy();
  });
});
