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
  const children = new Map<string, number[]>();
  places.forEach(({ id, parent }, at) => {
    const found = parent !== '' && parents.has(parent) && !reaches(parents, parent, id) ? parent : '';
    children.set(found, [...(children.get(found) ?? []), at]);
  });
  const list: Nested<T>[] = [];
  const walk = (parent: string, within: readonly string[]): void => {
    const own = children.get(parent) ?? [];
    children.delete(parent); // should an id stand there twice, its children are drawn once
    for (const at of own) {
      const [item, here] = [items[at] as T, places[at] as Nestable];
      const began = list.length;
      list.push({ item, within, inner: 0 });
      if (here.id !== '') {
        walk(here.id, [...within, here.id]);
      }
      list[began] = { item, within, inner: list.length - began - 1 };
    }
  };
  walk('', NOTHING_AROUND);
  return list;
}

/** Say whether the way up from `from` comes to `to`. */
function reaches(parents: ReadonlyMap<string, string>, from: string, to: string): boolean {
  const seen = new Set<string>();
  for (let at = from; at !== '' && !seen.has(at); at = parents.get(at) ?? '') {
    if (at === to) {
      return true;
    }
    seen.add(at);
  }
  return false;
}
