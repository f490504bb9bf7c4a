/**
 * Who is on a board, where they point and what they drag. Ephemeral and never trusted: the server
 * checks who a state belongs to; nothing here is stored.
 */
import type { Awareness } from 'y-protocols/awareness';
import type { Point } from '../domain/boardLayout';
import type { Person } from '../schema/types';
import { pointOf } from './layoutWords';
import { Store } from './store';

export interface PeerUser {
  readonly username: string;
  readonly name: string;
  readonly display_name: string;
  readonly initials: string;
  readonly color: string | null;
}

export interface Peer {
  readonly clientId: number;
  readonly user: PeerUser;
  readonly selection: readonly string[];
  readonly session: string | null;
}

export interface PeerCursor {
  readonly clientId: number;
  readonly user: PeerUser;
  readonly pos: Point;
  readonly atMs: number;
}

const SEND_MS = 40;
/** A pixel is far finer than a hand; fewer digits make smaller messages. */
const round = ([x, y]: Point): Point => [Math.round(x), Math.round(y)];

type Change = Partial<Record<'cursor' | 'drag' | 'selection' | 'session', unknown>>;

export class Presence {
  /** Everybody else, one entry a page; changes only when somebody comes, goes or selects. */
  readonly peers = new Store<readonly Peer[]>([]);
  readonly cursors = new Store<ReadonlyMap<number, PeerCursor>>(new Map());
  /** Where others are holding things at this moment. */
  readonly drags = new Store<ReadonlyMap<string, Point>>(new Map());
  private waiting: Change = {};
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly awareness: Awareness,
    person: Person,
    username: string
  ) {
    const { name, display_name, initials, color } = person;
    awareness.setLocalState({
      user: { username, name, display_name, initials, color },
      cursor: null,
      drag: null,
      selection: []
    });
    awareness.on('change', this.onChange);
    this.onChange();
  }

  close(): void {
    clearTimeout(this.timer);
    this.awareness.off('change', this.onChange);
    this.awareness.setLocalState(null);
  }

  setCursor(pos: Point | null): void {
    this.send({ cursor: pos === null ? null : round(pos) });
  }

  setDrag(drag: { readonly id: string; readonly pos: Point } | null): void {
    this.send({ drag: drag === null ? null : { id: drag.id, pos: round(drag.pos) } });
  }

  setSelection(selection: readonly string[]): void {
    this.send({ selection: [...selection] });
  }

  /** Say which session this page looks at, or none. */
  setSession(session: string | null): void {
    this.send({ session });
  }

  /** Send at most every 40 ms; the last value of each field always goes out. */
  private send(change: Change): void {
    this.waiting = { ...this.waiting, ...change };
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      const mine = this.awareness.getLocalState();
      if (mine !== null) {
        this.awareness.setLocalState({ ...mine, ...this.waiting });
      }
      this.waiting = {};
    }, SEND_MS);
  }

  private readonly onChange = (): void => {
    const peers: Peer[] = [];
    const cursors = new Map<number, PeerCursor>();
    const drags = new Map<string, Point>();
    for (const [clientId, state] of this.awareness.getStates()) {
      const user = clientId === this.awareness.clientID ? null : userOf(state['user']);
      if (user === null) {
        continue;
      }
      peers.push(peerOf(clientId, user, state));
      const pos = pointOf(state['cursor']);
      if (pos !== null) {
        cursors.set(clientId, this.cursorOf(clientId, user, pos));
      }
      const drag = dragOf(state['drag']);
      if (drag !== null) {
        drags.set(drag.id, drag.pos);
      }
    }
    this.set(peers, cursors, drags);
  };

  private set(
    peers: readonly Peer[],
    cursors: ReadonlyMap<number, PeerCursor>,
    drags: ReadonlyMap<string, Point>
  ): void {
    if (JSON.stringify(peers) !== JSON.stringify(this.peers.get())) {
      this.peers.set(peers);
    }
    this.cursors.set(cursors);
    if (drags.size > 0 || this.drags.get().size > 0) {
      this.drags.set(drags);
    }
  }

  /** Keep a cursor that did not move as it was, with the time of its last move. */
  private cursorOf(clientId: number, user: PeerUser, pos: Point): PeerCursor {
    const before = this.cursors.get().get(clientId);
    return before?.pos[0] === pos[0] && before.pos[1] === pos[1]
      ? before
      : { clientId, user, pos, atMs: Date.now() };
  }
}

function userOf(value: unknown): PeerUser | null {
  const user = value as Partial<Record<keyof PeerUser, unknown>> | undefined;
  if (typeof user?.username !== 'string') {
    return null;
  }
  const text = (given: unknown, otherwise: string): string =>
    typeof given === 'string' && given !== '' ? given.slice(0, 80) : otherwise;
  const name = text(user.name, user.username);
  return {
    username: user.username,
    name,
    display_name: text(user.display_name, name),
    initials: text(user.initials, '').slice(0, 3),
    color: typeof user.color === 'string' ? user.color : null
  };
}

function peerOf(clientId: number, user: PeerUser, state: Record<string, unknown>): Peer {
  const { selection, session } = state;
  return {
    clientId,
    user,
    selection: Array.isArray(selection)
      ? selection.filter((id): id is string => typeof id === 'string')
      : [],
    session: typeof session === 'string' ? session : null
  };
}

function dragOf(value: unknown): { id: string; pos: Point } | null {
  const drag = value as { id?: unknown; pos?: unknown } | null | undefined;
  const pos = pointOf(drag?.pos);
  return typeof drag?.id === 'string' && pos !== null ? { id: drag.id, pos } : null;
}
