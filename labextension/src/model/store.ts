/** A value that can be watched: what models expose and hooks read. Not a place for logic. */
import { useCallback, useRef, useSyncExternalStore } from 'react';

export interface Readable<T> {
  readonly get: () => T;
  readonly subscribe: (listener: () => void) => () => void;
}

export class Store<T> implements Readable<T> {
  private readonly listeners = new Set<() => void>();

  constructor(private value: T) {}

  readonly get = (): T => this.value;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Put a new value; the same one again tells nobody. */
  set(value: T): void {
    if (!Object.is(value, this.value)) {
      this.value = value;
      this.listeners.forEach(listener => listener());
    }
  }

  update(change: (value: T) => T): void {
    this.set(change(this.value));
  }
}

/**
 * Read a narrow part of a store. The component renders again only when `isEqual` says that the part
 * changed; `select` may make a new object each time if `isEqual` compares by content.
 */
export function useStore<T, S>(
  store: Readable<T>,
  select: (value: T) => S,
  isEqual: (a: S, b: S) => boolean = Object.is
): S {
  const last = useRef<{ value: S } | null>(null);
  const read = useCallback((): S => {
    const next = select(store.get());
    if (last.current === null || !isEqual(last.current.value, next)) {
      last.current = { value: next };
    }
    return last.current.value;
  }, [store, select, isEqual]);
  return useSyncExternalStore(store.subscribe, read);
}

const identity = <T>(value: T): T => value;

export const useValue = <T>(store: Readable<T>): T => useStore(store, identity);

/** Compare two lists by their members. */
export function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, index) => Object.is(item, b[index]));
}
