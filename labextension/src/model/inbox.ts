/** What waits for an answer, in all sessions, as the event stream tells it. */
import type { IDisposable } from '@lumino/disposable';
import type { EventStream, InboxNews } from '../api/eventStream';
import type { PermissionRequest } from '../schema/types';
import { Store } from './store';

export interface Waiting {
  readonly sessionId: string;
  readonly request: PermissionRequest;
  readonly atMs: number;
}

export type WaitingById = ReadonlyMap<string, Waiting>;

/** Fold news: the whole takes the place of all that was known. Repeated, it changes nothing. */
export function applyNews(known: WaitingById, { events, whole }: InboxNews): WaitingById {
  const next = new Map(whole ? [] : known);
  for (const { update, session_id, at_ms } of events) {
    if (update.type === 'permission_request') {
      const before = known.get(update.request_id);
      next.set(update.request_id, before ?? { sessionId: session_id, request: update, atMs: at_ms });
    } else if (update.type === 'permission_resolved') {
      next.delete(update.request_id);
    }
  }
  const same = next.size === known.size && [...next].every(([id, waiting]) => known.get(id) === waiting);
  return same ? known : next;
}

export class Inbox extends Store<WaitingById> implements IDisposable {
  isDisposed = false;

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
    this.update(known => applyNews(known, news));
  };
}
