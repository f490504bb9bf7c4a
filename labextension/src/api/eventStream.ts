/**
 * The one websocket of a page: session events without a gap or a repetition, and the workspace's news.
 *
 * It comes back by itself (with back-off) and goes on after the last event that was handed out, so a
 * subscriber never notices a lost connection but through `stateChanged`. It does not fold or store.
 */
import type { IDisposable } from '@lumino/disposable';
import { DisposableDelegate } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { Session, SessionEvent, WorkspaceEvent } from '../schema/types';
import { backoffMs } from './backoff';
import type { Frame } from './frames';
import { readFrame } from './frames';
import type { ProblemError } from './problem';

export type StreamState = 'connecting' | 'live' | 'away' | 'forbidden';

export interface WorkspaceNews {
  readonly events?: readonly WorkspaceEvent[];
  readonly sessions?: readonly Session[];
}

export interface SessionReader {
  readonly onEvents: (events: readonly SessionEvent[]) => void;
  readonly onProblem?: (problem: ProblemError) => void;
}

/** What waits for an answer. `whole`: this is all that waits now, instead of what was told before. */
export interface InboxNews {
  readonly events: readonly SessionEvent[];
  readonly whole: boolean;
}

interface Subscription {
  readonly reader: SessionReader;
  lastSeq: number;
}

/** What the stream needs of the world; a test brings its own. */
export interface StreamPorts {
  readonly open: () => WebSocket;
  readonly random?: () => number;
}

const PING_MS = 20_000;
const SILENCE_MS = 45_000;
/** The role to read was lost: asking again every second would not bring it back. */
const FORBIDDEN = 4403;
const FORBIDDEN_RETRY_MS = 60_000;

export class EventStream implements IDisposable {
  private socket: WebSocket | null = null;
  private readonly readers = new Map<string, Set<Subscription>>();
  private readonly awaited = new Map<number, string>();
  private attempt = 0;
  private nextId = 1;
  private heardAt = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private pulse: ReturnType<typeof setInterval> | undefined;
  private _state: StreamState = 'connecting';
  private _isDisposed = false;
  private readonly _stateChanged = new Signal<this, StreamState>(this);
  private readonly _news = new Signal<this, WorkspaceNews>(this);
  private readonly _inbox = new Signal<this, InboxNews>(this);
  private wantsInbox = false;

  constructor(private readonly ports: StreamPorts) {}

  get state(): StreamState {
    return this._state;
  }

  get stateChanged(): ISignal<this, StreamState> {
    return this._stateChanged;
  }

  /** The workspace's news. After `stateChanged` to `live`, ask REST anew: what passed meanwhile is not repeated. */
  get news(): ISignal<this, WorkspaceNews> {
    return this._news;
  }

  /** What waits for an answer, once `watchInbox` has asked for it. */
  get inbox(): ISignal<this, InboxNews> {
    return this._inbox;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this.forgetSocket();
    clearTimeout(this.retry);
    Signal.clearData(this);
  }

  /** Connect; called once. */
  start(): void {
    this.connect();
  }

  /** Ask for what waits for an answer; the whole comes first, and again after each loss of the connection. */
  watchInbox(): void {
    this.wantsInbox = true;
    this.askInbox();
  }

  /** Hand every event of a session after `afterSeq` to `reader`, in order and once each. */
  subscribe(sessionId: string, afterSeq: number, reader: SessionReader): IDisposable {
    const subscription: Subscription = { reader, lastSeq: afterSeq };
    const all = this.readers.get(sessionId) ?? new Set();
    all.add(subscription);
    this.readers.set(sessionId, all);
    this.ask(sessionId);
    return new DisposableDelegate(() => {
      all.delete(subscription);
      if (all.size === 0 && this.readers.get(sessionId) === all) {
        this.readers.delete(sessionId);
        this.say({ id: this.nextId++, unsubscribe: { session: sessionId } });
      }
    });
  }

  private connect(): void {
    if (this._isDisposed) {
      return;
    }
    this.setState(this.attempt === 0 ? 'connecting' : this._state);
    const socket = this.ports.open();
    this.socket = socket;
    socket.onopen = () => this.opened();
    socket.onmessage = (message: MessageEvent) => this.heard(message.data);
    socket.onclose = (event: CloseEvent) => this.closed(event.code);
  }

  private opened(): void {
    this.attempt = 0;
    this.heardAt = Date.now();
    clearInterval(this.pulse);
    this.pulse = setInterval(() => this.beat(), PING_MS);
    this.say({ id: this.nextId++, subscribe: { workspace: true, after_seq: null } });
    this.askInbox();
    for (const sessionId of this.readers.keys()) {
      this.ask(sessionId);
    }
    this.setState('live');
  }

  /** A half-open connection says nothing and never closes: after two missed pongs it is given up. */
  private beat(): void {
    if (Date.now() - this.heardAt > SILENCE_MS) {
      this.forgetSocket();
      this.closed(1006);
    } else {
      this.say({ ping: this.nextId++ });
    }
  }

  private closed(code: number): void {
    this.forgetSocket();
    if (this._isDisposed) {
      return;
    }
    this.setState(code === FORBIDDEN ? 'forbidden' : 'away');
    const pause = backoffMs(this.attempt, (this.ports.random ?? Math.random)());
    this.attempt += 1;
    this.retry = setTimeout(() => this.connect(), code === FORBIDDEN ? FORBIDDEN_RETRY_MS : pause);
  }

  private forgetSocket(): void {
    clearInterval(this.pulse);
    const socket = this.socket;
    this.socket = null;
    this.awaited.clear();
    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  private heard(data: unknown): void {
    this.heardAt = Date.now();
    const frame = readFrame(data);
    if (frame?.kind === 'events') {
      this.deliver(frame.session, frame.events);
    } else if (frame?.kind === 'reply') {
      this.replied(frame);
    } else if (frame?.kind === 'workspace') {
      this._news.emit({ events: frame.events });
    } else if (frame?.kind === 'inbox') {
      this._inbox.emit(frame);
    } else if (frame?.kind === 'sessions') {
      this._news.emit({ sessions: frame.sessions });
    }
  }

  private replied(frame: Extract<Frame, { kind: 'reply' }>): void {
    const sessionId = this.awaited.get(frame.id);
    this.awaited.delete(frame.id);
    if (frame.problem !== null && sessionId !== undefined) {
      for (const { reader } of this.readers.get(sessionId) ?? []) {
        reader.onProblem?.(frame.problem);
      }
    }
  }

  private deliver(sessionId: string, events: readonly SessionEvent[]): void {
    for (const subscription of [...(this.readers.get(sessionId) ?? [])]) {
      const fresh = events.filter(event => event.seq > subscription.lastSeq);
      const first = fresh[0];
      if (first === undefined) {
        continue;
      }
      if (first.seq !== subscription.lastSeq + 1) {
        // Another reader of this page asked from further on; this one still lacks what lies between.
        this.ask(sessionId);
        continue;
      }
      subscription.lastSeq = fresh[fresh.length - 1]?.seq ?? first.seq;
      subscription.reader.onEvents(fresh);
    }
  }

  /** Ask for a session from where its hindmost reader stands; readers that are ahead drop repetitions. */
  private ask(sessionId: string): void {
    const places = [...(this.readers.get(sessionId) ?? [])].map(each => each.lastSeq);
    if (places.length > 0 && this.socket?.readyState === WebSocket.OPEN) {
      const id = this.nextId++;
      this.awaited.set(id, sessionId);
      this.say({ id, subscribe: { session: sessionId, after_seq: Math.min(...places) } });
    }
  }

  private askInbox(): void {
    if (this.wantsInbox) {
      this.say({ id: this.nextId++, subscribe: { inbox: true } });
    }
  }

  private say(frame: unknown): void {
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify(frame));
    }
  }

  private setState(state: StreamState): void {
    if (state !== this._state) {
      this._state = state;
      this._stateChanged.emit(state);
    }
  }
}
