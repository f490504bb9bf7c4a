/** What waits for an answer, in all sessions, as the event stream tells it. */
import type { IDisposable } from '@lumino/disposable';
import type { EventStream, InboxNews } from '../api/eventStream';
import type { PermissionRequest } from '../schema/types';
import { Store } from './store';

export interface Waiting {
  readonly sessionId: string;
  readonly request: PermissionRequest;
  readonly atMs: number;
  /** It waited before this page was opened: no news, however it is told. */
  readonly old: boolean;
}

export type WaitingById = ReadonlyMap<string, Waiting>;

/**
 * Fold news: the whole takes the place of all that was known. Repeated, it changes nothing.
 * What is new to `known` is `old` where these are the first news that the page has.
 */
export function applyNews(known: WaitingById, { events, whole }: InboxNews, old = false): WaitingById {
  const next = new Map(whole ? [] : known);
  for (const { update, session_id, at_ms } of events) {
    if (update.type === 'permission_request') {
      const before = known.get(update.request_id);
      next.set(update.request_id, before ?? { sessionId: session_id, request: update, atMs: at_ms, old });
    } else if (update.type === 'permission_resolved') {
      next.delete(update.request_id);
    }
  }
  const same = next.size === known.size && [...next].every(([id, waiting]) => known.get(id) === waiting);
  return same ? known : next;
}

export class Inbox extends Store<WaitingById> implements IDisposable {
  isDisposed = false;
  private begun = false;

  constructor(private readonly stream: EventStream) {
    super(new Map());
    stream.inbox.connect(this.onNews);
    stream.watchInbox();
  }

  dispose(): void {
    this.isDisposed = true;
    this.stream.inbox.disconnect(this.onNews);
  }

  private readonly onNews = (_: EventStream, news: InboxNews): void => {
    const first = news.whole && !this.begun;
    this.begun ||= news.whole;
    this.update(known => applyNews(known, news, first));
  };
}
