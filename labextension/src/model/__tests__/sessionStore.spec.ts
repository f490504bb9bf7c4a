import { describe, expect, it } from 'vitest';
import type { EventStream, SessionReader } from '../../api/eventStream';
import type { Http } from '../../api/http';
import type { Session, SessionEvent, Task } from '../../schema/types';
import { pendingRequests, SessionStore } from '../sessionStore';

const NO_USAGE = {
  input_tokens: 0,
  output_tokens: 0,
  cached_read_tokens: 0,
  cached_write_tokens: 0,
  thought_tokens: 0,
  cost_usd: null
};
const session = (last_seq: number): Session =>
  ({ id: 's', last_seq, status: 'running', current_task: 't', queue: [], pending: [], usage: NO_USAGE, last_words: '', queue_paused: '' }) as unknown as Session;
const task = (id: string): Task => ({ id, session_id: 's', status: 'running', usage: NO_USAGE }) as unknown as Task;
const chunk = (seq: number, text: string, task_id = 't'): SessionEvent => ({
  seq,
  session_id: 's',
  task_id,
  at_ms: seq,
  update: { type: 'agent_message_chunk', message_id: 'm', text, parent_tool_call_id: null }
});

/** A server of one session whose answers wait until the test lets them go. */
class FakeServer {
  reader: SessionReader | null = null;
  afterSeq = -1;
  release: (() => void) | null = null;

  constructor(
    readonly record: Session,
    readonly tasks: Task[],
    readonly events: Record<string, SessionEvent[]>
  ) {}

  http(slow = false): Http {
    const get = async (path: string, query: Record<string, unknown> = {}): Promise<unknown> => {
      if (path.endsWith('/events')) {
        const items = this.events[String(query['task_id'])] ?? [];
        if (slow) {
          await new Promise<void>(resolve => (this.release = resolve));
        }
        return { items: items.filter(event => event.seq > Number(query['after_seq'])), next: null };
      }
      return this.record;
    };
    return { get, list: () => Promise.resolve(this.tasks) } as unknown as Http;
  }

  stream(): EventStream {
    const subscribe = (_: string, after: number, reader: SessionReader): { dispose: () => void } => {
      this.afterSeq = after;
      this.reader = reader;
      return { dispose: () => {} };
    };
    return { subscribe } as unknown as EventStream;
  }
}

const said = (store: SessionStore, taskId = 't'): string | undefined => {
  const block = store.get().tasks.find(view => view.task.id === taskId)?.content?.blocks[0];
  return block?.type === 'text' ? block.text : undefined;
};

describe('SessionStore', () => {
  it('reads the record, then follows from there', async () => {
    const server = new FakeServer(session(2), [task('t')], { t: [chunk(1, 'a'), chunk(2, 'b')] });
    const store = new SessionStore('s', server.http(), server.stream());
    await store.open();
    expect(server.afterSeq).toBe(2);
    expect(said(store)).toBe('ab');
    server.reader?.onEvents([chunk(3, 'c')]);
    expect(said(store)).toBe('abc');
    expect(store.get().session?.last_seq).toBe(3);
  });

  it('loses and repeats nothing that arrives while it reads', async () => {
    const server = new FakeServer(session(1), [task('t')], { t: [chunk(1, 'a'), chunk(2, 'b')] });
    const store = new SessionStore('s', server.http(true), server.stream());
    const opening = store.open();
    while (server.release === null) {
      await Promise.resolve();
    }
    server.reader?.onEvents([chunk(2, 'b'), chunk(3, 'c')]);
    server.release();
    await opening;
    expect(said(store)).toBe('abc');
    server.reader?.onEvents([chunk(4, 'd')]);
    expect(said(store)).toBe('abcd');
  });

  it('folds an event once that REST has told before the stream does', async () => {
    const server = new FakeServer(session(1), [task('t')], { t: [chunk(1, 'a'), chunk(2, 'b')] });
    const store = new SessionStore('s', server.http(), server.stream());
    await store.open();
    server.reader?.onEvents([chunk(2, 'b'), chunk(3, 'c')]);
    expect(said(store)).toBe('abc');
  });

  it('shows a task that begins before our eyes without loading it', async () => {
    const server = new FakeServer(session(1), [], {});
    const store = new SessionStore('s', server.http(), server.stream());
    await store.open();
    server.reader?.onEvents([
      { ...chunk(2, ''), task_id: 'n', update: { type: 'task_queued', by: 'ann', prompt: 'go', attachments: [], by_name: '' } },
      chunk(3, 'hi', 'n')
    ]);
    expect(store.get().tasks.map(view => view.task.prompt)).toEqual(['go']);
    expect(said(store, 'n')).toBe('hi');
  });

  it('says why when it cannot be read', async () => {
    const http = { get: () => Promise.reject(new Error('gone')) } as unknown as Http;
    const store = new SessionStore('s', http, new FakeServer(session(0), [], {}).stream());
    await store.open();
    expect(store.get().problem?.detail).toBe('gone');
  });
});

describe('what is asked apart from any task', () => {
  const asked = (id: string): SessionEvent['update'] =>
    ({ type: 'permission_request', request_id: id, title: id, digest: '' }) as unknown as SessionEvent['update'];
  const apart = (seq: number, update: SessionEvent['update']): SessionEvent => ({
    seq,
    session_id: 's',
    task_id: null,
    at_ms: seq,
    update
  });
  const ids = (store: SessionStore): string[] => pendingRequests(store.get()).map(each => each.request_id);

  it('is there when the session is opened, and goes when it is answered', async () => {
    const server = new FakeServer({ ...session(1), pending: ['old'], current_task: null }, [], {});
    const waiting = [
      { session_id: 's', task_id: null, request: asked('old') },
      { session_id: 'other', task_id: null, request: asked('others') }
    ];
    const http = Object.assign(server.http(), {
      list: (path: string) => Promise.resolve(path === 'permissions' ? waiting : [])
    });
    const store = new SessionStore('s', http, server.stream());
    await store.open();
    expect(ids(store)).toEqual(['old']);
    server.reader?.onEvents([apart(2, asked('new'))]);
    expect(ids(store)).toEqual(['old', 'new']);
    const resolved = { type: 'permission_resolved', request_id: 'old', outcome: 'cancelled' };
    server.reader?.onEvents([apart(3, resolved as unknown as SessionEvent['update'])]);
    expect(ids(store)).toEqual(['new']);
    expect(store.get().apart).toHaveLength(1);
    store.dispose();
  });
});
