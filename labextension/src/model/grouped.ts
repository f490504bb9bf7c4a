/** A keyed map's items in groups; a group that did not change keeps its identity. */
import { Store, sameItems } from './store';
import type { Readable } from './store';

export class GroupedStore<T> extends Store<ReadonlyMap<string, readonly T[]>> {
  private readonly stop: () => void;

  constructor(
    private readonly source: Readable<ReadonlyMap<string, T>>,
    private readonly keyOf: (item: T) => string
  ) {
    super(new Map());
    this.group();
    this.stop = source.subscribe(() => this.group());
  }

  close(): void {
    this.stop();
  }

  private group(): void {
    const before = this.get();
    const groups = new Map<string, T[]>();
    for (const item of this.source.get().values()) {
      const key = this.keyOf(item);
      const group = groups.get(key);
      if (group === undefined) {
        groups.set(key, [item]);
      } else {
        group.push(item);
      }
    }
    const next = new Map<string, readonly T[]>();
    let changed = groups.size !== before.size;
    for (const [key, items] of groups) {
      const old = before.get(key);
      const kept = old !== undefined && sameItems(old, items) ? old : items;
      changed = changed || kept !== old;
      next.set(key, kept);
    }
    if (changed) {
      this.set(next);
    }
  }
}
