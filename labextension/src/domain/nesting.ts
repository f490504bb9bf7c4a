/** What a sub-agent said and did, behind the tool call that began it, to any depth. Pure. */

export interface Nestable {
  /** What others name as their parent; empty: nothing stands within it. */
  readonly id: string;
  /** The call that it belongs to; empty: nobody's but the agent's own. */
  readonly parent: string;
}

export interface Nested<T> {
  readonly item: T;
  /** The calls around it, the outermost first. */
  readonly within: readonly string[];
  /** How many stand within it, at any depth. */
  readonly inner: number;
}

/** What stands deeper is shown at this depth. */
const DEEPEST = 50;

const NOTHING_AROUND: readonly string[] = [];

/**
 * Bring items into reading order: each followed by what stands within it. An item whose call is not in the
 * list, or that would stand within itself, is nobody's: nothing vanishes with its parent.
 */
export function nest<T>(items: readonly T[], place: (item: T) => Nestable): readonly Nested<T>[] {
  const places = items.map(place);
  if (places.every(({ parent }) => parent === '')) {
    return items.map(item => ({ item, within: NOTHING_AROUND, inner: 0 }));
  }
  const parents = new Map(places.map(({ id, parent }) => [id, parent]));
  const circling = circlesOf(parents);
  const children = new Map<string, number[]>();
  places.forEach(({ id, parent }, at) => {
    const found = parent !== '' && parents.has(parent) && !circling.has(id) ? parent : '';
    const own = children.get(found);
    if (own === undefined) {
      children.set(found, [at]);
    } else {
      own.push(at);
    }
  });
  const list: { item: T; within: readonly string[]; inner: number }[] = [];
  // A stack of our own: how deep calls stand in each other is the agent's to say.
  const open: { own: readonly number[]; next: number; within: readonly string[]; row: number }[] = [];
  const enter = (parent: string, within: readonly string[], row: number): void => {
    const own = children.get(parent) ?? [];
    children.delete(parent); // should an id stand there twice, its children are drawn once
    open.push({ own, next: 0, within, row });
  };
  enter('', NOTHING_AROUND, -1);
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const at = top.own[top.next++];
    if (at === undefined) {
      open.pop();
      const row = list[top.row];
      if (row !== undefined) {
        row.inner = list.length - top.row - 1;
      }
      continue;
    }
    const { id } = places[at] as Nestable;
    list.push({ item: items[at] as T, within: top.within, inner: 0 });
    if (id !== '') {
      enter(id, top.within.length < DEEPEST ? [...top.within, id] : top.within, list.length - 1);
    }
  }
  return list;
}

/** Find the ids that stand within themselves. */
function circlesOf(parents: ReadonlyMap<string, string>): ReadonlySet<string> {
  const seen = new Map<string, string>();
  const found = new Set<string>();
  for (const from of parents.keys()) {
    let at = from;
    for (; at !== '' && parents.has(at) && !seen.has(at); at = parents.get(at) ?? '') {
      seen.set(at, from);
    }
    if (at !== '' && seen.get(at) === from) {
      for (; !found.has(at); at = parents.get(at) ?? '') {
        found.add(at);
      }
    }
  }
  return found;
}
