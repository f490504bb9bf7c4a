/** A keyed map of a Y document as an immutable map: an entry that did not change keeps its identity. */
import * as Y from 'yjs';
import { Store } from './store';

type Read<T> = (value: unknown) => T | null;

const plain = (value: unknown): unknown => (value instanceof Y.AbstractType ? value.toJSON() : value);

/** Name the keys of the top map that a transaction touched, at whatever depth. */
export function touchedKeys(events: readonly Y.YEvent<Y.AbstractType<unknown>>[]): Set<string> {
  const keys = new Set<string>();
  for (const event of events) {
    const first = event.path[0];
    if (first !== undefined) {
      keys.add(String(first));
    } else if (event instanceof Y.YMapEvent) {
      (event.keysChanged as Set<string>).forEach(key => keys.add(key));
    }
  }
  return keys;
}

export class YMapStore<T> extends Store<ReadonlyMap<string, T>> {
  constructor(
    private readonly map: Y.Map<unknown>,
    private readonly read: Read<T>
  ) {
    super(new Map());
    this.take(map.keys());
    map.observeDeep(this.onChange);
  }

  close(): void {
    this.map.unobserveDeep(this.onChange);
  }

  private readonly onChange = (events: Y.YEvent<Y.AbstractType<unknown>>[]): void => {
    this.take(touchedKeys(events));
  };

  private take(keys: Iterable<string>): void {
    const next = new Map(this.get());
    for (const key of keys) {
      const value = this.map.has(key) ? this.read(plain(this.map.get(key))) : null;
      if (value === null) {
        next.delete(key);
      } else {
        next.set(key, value);
      }
    }
    this.set(next);
  }
}
