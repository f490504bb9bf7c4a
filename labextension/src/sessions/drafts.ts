/** Unsent prompts and sent ones, by session, kept in this browser. */
import type { IStateDB } from '@jupyterlab/statedb';

const KEY = 'agor-jupyter:drafts';
const KEPT = 100;
const HISTORY = 50;
const SAVE_MS = 300;

interface Saved {
  readonly drafts: Readonly<Record<string, string>>;
  readonly history: readonly string[];
}

export class Drafts {
  private saved: Saved = { drafts: {}, history: [] };
  private saving: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly db: IStateDB | null) {}

  async load(): Promise<void> {
    const found = (await this.db?.fetch(KEY)) as unknown as Partial<Saved> | undefined;
    this.saved = {
      drafts: { ...found?.drafts, ...this.saved.drafts },
      history: Array.isArray(found?.history) ? found.history : []
    };
  }

  draft(sessionId: string): string {
    return this.saved.drafts[sessionId] ?? '';
  }

  keep(sessionId: string, text: string): void {
    const others = Object.entries(this.saved.drafts).filter(([id, kept]) => id !== sessionId && kept !== '');
    const drafts = Object.fromEntries([...others.slice(1 - KEPT), [sessionId, text]]);
    this.saved = { ...this.saved, drafts };
    this.save();
  }

  /** Note a prompt that was sent; the newest is first. */
  sent(text: string): void {
    const history = [text, ...this.saved.history.filter(each => each !== text)].slice(0, HISTORY);
    this.saved = { ...this.saved, history };
    this.save();
  }

  /** Give the prompt that was sent `back` prompts ago (from 0), or null. */
  earlier(back: number): string | null {
    return this.saved.history[back] ?? null;
  }

  private save(): void {
    clearTimeout(this.saving);
    this.saving = setTimeout(() => void this.db?.save(KEY, { ...this.saved }), SAVE_MS);
  }
}
