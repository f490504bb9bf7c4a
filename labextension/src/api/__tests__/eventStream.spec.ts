import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SessionEvent } from '../../schema/types';
import { EventStream } from '../eventStream';

class FakeSocket {
  static all: FakeSocket[] = [];
  readyState = 0;
  sent: Record<string, unknown>[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;

  constructor() {
    FakeSocket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  close(): void {
    this.readyState = 3;
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  say(frame: unknown): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  drop(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  asked(): unknown[] {
    return this.sent.flatMap(frame => {
      const wanted = frame['subscribe'] as Record<string, unknown> | undefined;
      return wanted !== undefined && 'session' in wanted ? [wanted] : [];
    });
  }
}

const event = (seq: number): SessionEvent => ({
  seq,
  session_id: 's',
  task_id: null,
  at_ms: seq,
  update: { type: 'queue_resumed', by: 'a', by_name: '' }
});
const frame = (...seqs: number[]): unknown => ({ session: 's', events: seqs.map(event) });

function connected(): { stream: EventStream; socket: () => FakeSocket; seen: number[] } {
  const stream = new EventStream({ open: () => new FakeSocket() as unknown as WebSocket, random: () => 0 });
  stream.start();
  const socket = (): FakeSocket => FakeSocket.all.at(-1)!;
  const seen: number[] = [];
  stream.subscribe('s', 0, { onEvents: events => seen.push(...events.map(each => each.seq)) });
  return { stream, socket, seen };
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
});
afterEach(() => {
  vi.useRealTimers();
});

describe('EventStream', () => {
  it('asks for what was wanted before it was open', () => {
    const { socket } = connected();
    expect(socket().sent).toEqual([]);
    socket().open();
    expect(socket().asked()).toEqual([{ session: 's', after_seq: 0 }]);
  });

  it('hands out each event once and in order', () => {
    const { socket, seen } = connected();
    socket().open();
    socket().say(frame(1, 2));
    socket().say(frame(2, 3));
    expect(seen).toEqual([1, 2, 3]);
  });

  it('never hands out events past a gap, and asks for what lies between', () => {
    const { socket, seen } = connected();
    socket().open();
    socket().say(frame(1));
    socket().say(frame(3));
    expect(seen).toEqual([1]);
    expect(socket().asked().at(-1)).toEqual({ session: 's', after_seq: 1 });
    socket().say(frame(2, 3));
    expect(seen).toEqual([1, 2, 3]);
  });

  it('comes back after a loss and goes on after the last event', () => {
    const { stream, socket, seen } = connected();
    socket().open();
    socket().say(frame(1, 2));
    socket().drop();
    expect(stream.state).toBe('away');
    vi.advanceTimersByTime(1000);
    expect(FakeSocket.all).toHaveLength(2);
    socket().open();
    expect(socket().asked()).toEqual([{ session: 's', after_seq: 2 }]);
    socket().say(frame(3));
    expect(seen).toEqual([1, 2, 3]);
    expect(stream.state).toBe('live');
  });

  it('waits longer after each failure, never above the cap', () => {
    const { socket } = connected();
    const pauses: number[] = [];
    for (let number = 0; number < 8; number += 1) {
      socket().drop();
      const count = FakeSocket.all.length;
      let waited = 0;
      while (FakeSocket.all.length === count) {
        vi.advanceTimersByTime(50);
        waited += 50;
      }
      pauses.push(waited);
    }
    expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 7500, 7500, 7500]);
  });

  it('gives up a connection that says nothing', () => {
    const { stream, socket } = connected();
    socket().open();
    vi.advanceTimersByTime(61_000);
    expect(stream.state).toBe('away');
  });

  it('does not hammer a server that has taken the role away', () => {
    const { stream, socket } = connected();
    socket().open();
    socket().drop(4403);
    expect(stream.state).toBe('forbidden');
    vi.advanceTimersByTime(30_000);
    expect(FakeSocket.all).toHaveLength(1);
  });

  it('serves a second reader that starts further back', () => {
    const { stream, socket, seen } = connected();
    socket().open();
    socket().say(frame(1, 2));
    const late: number[] = [];
    stream.subscribe('s', 0, { onEvents: events => late.push(...events.map(each => each.seq)) });
    expect(socket().asked().at(-1)).toEqual({ session: 's', after_seq: 0 });
    socket().say(frame(1, 2, 3));
    expect([seen, late]).toEqual([[1, 2, 3], [1, 2, 3]]);
  });

  it('tells a reader why it is refused', () => {
    const { stream, socket } = connected();
    socket().open();
    const problems: string[] = [];
    stream.subscribe('x', 0, { onEvents: () => {}, onProblem: problem => problems.push(problem.detail) });
    socket().say({ reply: socket().sent.at(-1)?.['id'], problem: { detail: 'No such session.' } });
    expect(problems).toEqual(['No such session.']);
  });

  it('survives what it cannot read', () => {
    const { socket, seen } = connected();
    socket().open();
    socket().onmessage?.({ data: '{' });
    socket().say([1]);
    socket().say({ session: 's', events: [{ no: 'seq' }] });
    socket().say(frame(1));
    expect(seen).toEqual([1]);
  });
});

describe('the inbox', () => {
  it('is asked for once wanted, and again after each loss', () => {
    const { stream, socket } = connected();
    const inbox = (): unknown[] =>
      socket().sent.filter(each => (each['subscribe'] as Record<string, unknown> | undefined)?.['inbox'] === true);
    socket().open();
    expect(inbox()).toHaveLength(0);
    stream.watchInbox();
    expect(inbox()).toHaveLength(1);
    socket().drop();
    vi.advanceTimersByTime(60_000);
    socket().open();
    expect(inbox()).toHaveLength(1);
  });

  it('says whether it is the whole', () => {
    const { stream, socket } = connected();
    const heard: [number, boolean][] = [];
    stream.inbox.connect((_, { events, whole }) => void heard.push([events.length, whole]));
    socket().open();
    socket().say({ inbox: [event(1), 'nonsense'], whole: true });
    socket().say({ inbox: [] });
    expect(heard).toEqual([[1, true], [0, false]]);
  });
});
