/** Which sessions this person has looked at, in this browser; the server is not told. */
import type { IStateDB } from '@jupyterlab/statedb';
import { Store } from './store';

const KEY = 'agor-jupyter:seen';
const KEPT = 500;

interface Saved {
  readonly since: number;
  readonly seen: Readonly<Record<string, number>>;
}

export class SeenStore extends Store<Saved> {
  private saving: ReturnType<typeof setTimeout> | undefined;

  /** `since`: what ended before this browser first came is not news to it. */
  constructor(private readonly db: IStateDB | null) {
    super({ since: Date.now(), seen: {} });
  }

  async load(): Promise<void> {
    const saved = (await this.db?.fetch(KEY)) as unknown as Saved | undefined;
    if (saved !== undefined && typeof saved.since === 'number') {
      this.set({ since: saved.since, seen: { ...saved.seen, ...this.get().seen } });
    } else {
      this.save();
    }
  }

  /** Note that a session was looked at, as it was at `atMs`. */
  mark(sessionId: string, atMs: number): void {
    const { since, seen } = this.get();
    if ((seen[sessionId] ?? 0) < atMs) {
      const newest = Object.entries({ ...seen, [sessionId]: atMs })
        .sort(([, a], [, b]) => b - a)
        .slice(0, KEPT);
      this.set({ since, seen: Object.fromEntries(newest) });
      this.save();
    }
  }

  /** Say whether a session changed after this person last looked. */
  isUnseen(sessionId: string, updatedMs: number): boolean {
    const { since, seen } = this.get();
    return updatedMs > (seen[sessionId] ?? since);
  }

  private save(): void {
    clearTimeout(this.saving);
    this.saving = setTimeout(() => {
      const { since, seen } = this.get();
      void this.db?.save(KEY, { since, seen: { ...seen } });
    }, 500);
  }
}
