/** Unsent prompts and sent ones, kept in this browser: by session, over a reload, each tab with its own changes. */
import type { Attachment } from '../schema/types';

const KEPT = 100;
const HISTORY = 50;
const SAVE_MS = 300;

interface Saved {
  readonly drafts: Readonly<Record<string, string>>;
  readonly history: readonly string[];
}

export type Shelf = Pick<Storage, 'getItem' | 'setItem'>;

/**
 * The page's own storage, not JupyterLab's state: that is kept on the server a second later, by workspace,
 * where a reload overtakes it and people who share a server would find each other's half sentences.
 */
export class Drafts {
  private saved: Saved;
  private readonly changed = new Set<string>();
  private fresh: string[] = [];
  private saving: ReturnType<typeof setTimeout> | undefined;
  /** Files are kept while the page lives: they are too large for the storage. */
  private readonly attached = new Map<string, readonly Attachment[]>();

  constructor(
    private readonly shelf: Shelf | null,
    private readonly key: string
  ) {
    this.saved = this.read();
  }

  draft(sessionId: string): string {
    return this.saved.drafts[sessionId] ?? '';
  }

  keep(sessionId: string, text: string): void {
    this.saved = { ...this.saved, drafts: withDraft(this.saved.drafts, sessionId, text) };
    this.changed.add(sessionId);
    this.saveSoon();
  }

  files(sessionId: string): readonly Attachment[] {
    return this.attached.get(sessionId) ?? [];
  }

  keepFiles(sessionId: string, files: readonly Attachment[]): void {
    this.attached.set(sessionId, files);
  }

  /** Note a prompt that was sent; the newest is first. */
  sent(text: string): void {
    this.saved = { ...this.saved, history: withSent(this.saved.history, text) };
    this.fresh.push(text);
    this.saveSoon();
  }

  /** Give the prompt that was sent `back` prompts ago (from 0), or null. */
  earlier(back: number): string | null {
    return this.saved.history[back] ?? null;
  }

  /** Save at once: the page may be going. What other tabs saved meanwhile stays. */
  flush(): void {
    clearTimeout(this.saving);
    if (this.changed.size === 0 && this.fresh.length === 0) {
      return;
    }
    const stored = this.read();
    const drafts = [...this.changed].reduce((all, id) => withDraft(all, id, this.draft(id)), stored.drafts);
    const history = this.fresh.reduce(withSent, stored.history);
    this.changed.clear();
    this.fresh = [];
    this.saved = { drafts, history };
    try {
      this.shelf?.setItem(this.key, JSON.stringify(this.saved));
    } catch (error) {
      console.warn('The draft could not be kept in this browser.', error);
    }
  }

  private saveSoon(): void {
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.flush(), SAVE_MS);
  }

  private read(): Saved {
    try {
      const found = JSON.parse(this.shelf?.getItem(this.key) ?? '{}') as Partial<Saved>;
      return { drafts: { ...found.drafts }, history: Array.isArray(found.history) ? found.history : [] };
    } catch {
      return { drafts: {}, history: [] }; // not ours, or a browser that keeps nothing
    }
  }
}

function withDraft(drafts: Saved['drafts'], sessionId: string, text: string): Saved['drafts'] {
  const others = Object.entries(drafts).filter(([id, kept]) => id !== sessionId && kept !== '');
  return Object.fromEntries(text === '' ? others : [...others.slice(1 - KEPT), [sessionId, text]]);
}

function withSent(history: readonly string[], text: string): readonly string[] {
  return [text, ...history.filter(each => each !== text)].slice(0, HISTORY);
}
