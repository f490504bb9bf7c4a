/**
 * One board as this page sees it: the layout document (which this page may write), the status
 * document (which only the server writes) and presence. Cards are moved through REST, not here.
 */
import type { IDisposable } from '@lumino/disposable';
import * as Y from 'yjs';
import { dropCard } from '../api/boards';
import type { Http } from '../api/http';
import type { CardPlace, Layout, NotePlace, Point, ZonePlace } from '../domain/boardLayout';
import type { InboxItem, Person, SessionRow, WorktreeCard } from '../schema/types';
import { GroupedStore } from './grouped';
import { boardOf, cardOf, inboxItemOf, noteOf, sessionRowOf, worktreeCardOf, zoneOf } from './layoutWords';
import { Presence } from './presence';
import { Room } from './room';
import { Store } from './store';
import { YMapStore } from './yMap';

export type Kind = 'cards' | 'zones' | 'notes';

/** One change of the layout document; `null` deletes. Fields that are not given stay as they are. */
export interface LayoutChange {
  readonly kind: Kind;
  readonly id: string;
  readonly fields: Readonly<Record<string, unknown>> | null;
}

const LOCAL = Symbol('this page');

export class BoardDoc implements IDisposable {
  readonly cards: YMapStore<CardPlace>;
  readonly zones: YMapStore<ZonePlace>;
  readonly notes: YMapStore<NotePlace>;
  readonly worktrees: YMapStore<WorktreeCard>;
  readonly sessions: YMapStore<SessionRow>;
  readonly inbox: YMapStore<InboxItem>;
  /** By worktree: what one card shows. */
  readonly rows: GroupedStore<SessionRow>;
  readonly asked: GroupedStore<InboxItem>;
  readonly meta: YMapStore<{ name: string }>;
  readonly presence: Presence;
  /** Where this page has put cards down and the document does not say so yet. */
  readonly held = new Store<ReadonlyMap<string, Point>>(new Map());
  readonly undo: Y.UndoManager;
  isDisposed = false;
  private readonly before = new Map<string, CardPlace | undefined>();
  private readonly layoutRoom: Room;
  private readonly statusRoom: Room;

  constructor(
    readonly id: string,
    private readonly http: Http,
    person: Person,
    username: string
  ) {
    this.layoutRoom = new Room(http, id);
    this.statusRoom = new Room(http, `${id}/status`);
    // Nobody reads presence in the status room; a state there would only be dropped.
    this.statusRoom.awareness.setLocalState(null);
    const layout = this.layoutRoom.doc;
    const status = this.statusRoom.doc;
    this.cards = new YMapStore(layout.getMap('cards'), cardOf);
    this.zones = new YMapStore(layout.getMap('zones'), zoneOf);
    this.notes = new YMapStore(layout.getMap('notes'), noteOf);
    this.worktrees = new YMapStore(status.getMap('worktrees'), worktreeCardOf);
    this.sessions = new YMapStore(status.getMap('sessions'), sessionRowOf);
    this.inbox = new YMapStore(status.getMap('inbox'), inboxItemOf);
    this.rows = new GroupedStore(this.sessions, row => row.worktree_id);
    this.asked = new GroupedStore(this.inbox, item => item.worktree_id);
    this.meta = new YMapStore(status.getMap('meta'), boardOf);
    this.presence = new Presence(this.layoutRoom.awareness, person, username);
    this.undo = new Y.UndoManager([layout.getMap('zones'), layout.getMap('notes')], {
      trackedOrigins: new Set([LOCAL])
    });
    this.cards.subscribe(this.letGo);
  }

  get state(): Room['state'] {
    return this.layoutRoom.state;
  }

  /** Both documents are here: before this an empty board is not empty, only not loaded. */
  get ready(): Promise<void> {
    return Promise.all([this.layoutRoom.synced, this.statusRoom.synced]).then(() => undefined);
  }

  get layout(): Layout {
    return { cards: this.cards.get(), zones: this.zones.get(), notes: this.notes.get() };
  }

  dispose(): void {
    if (!this.isDisposed) {
      this.isDisposed = true;
      this.undo.destroy();
      this.presence.close();
      this.rows.close();
      this.asked.close();
      for (const map of [this.cards, this.zones, this.notes, this.worktrees, this.sessions, this.inbox, this.meta]) {
        map.close();
      }
      this.layoutRoom.dispose();
      this.statusRoom.dispose();
    }
  }

  /** Write changes of zones, notes and a card's look in one transaction, which one undo takes back. */
  change(changes: readonly LayoutChange[]): void {
    this.undo.stopCapturing();
    this.layoutRoom.doc.transact(() => {
      for (const { kind, id, fields } of changes) {
        writeEntry(this.layoutRoom.doc.getMap(kind), id, fields);
      }
    }, LOCAL);
  }

  /**
   * Put a card down. It stays there on this page while the server writes it; if the server refuses,
   * the card returns and the refusal is thrown.
   */
  async drop(cardId: string, pos: Point, dropId: string): Promise<string | null> {
    this.before.set(cardId, this.cards.get().get(cardId));
    this.held.update(held => new Map(held).set(cardId, pos));
    try {
      const dropped = await dropCard(this.http, this.id, { card_id: cardId, pos: [...pos], drop_id: dropId });
      return dropped.zone_id;
    } catch (error) {
      this.release(cardId, pos);
      throw error;
    }
  }

  /** A held card whose place has been written (by us or by somebody after us) follows the document again. */
  private readonly letGo = (): void => {
    const places = this.cards.get();
    const written = [...this.held.get()].filter(([id]) => places.get(id) !== this.before.get(id));
    for (const [id, pos] of written) {
      this.release(id, pos);
    }
  };

  private release(cardId: string, pos: Point): void {
    this.held.update(held => {
      // A later drop of the same card holds it elsewhere; that one is not ours to end.
      return held.get(cardId) === pos ? new Map([...held].filter(([id]) => id !== cardId)) : held;
    });
  }
}

function writeEntry(map: Y.Map<unknown>, id: string, fields: LayoutChange['fields']): void {
  if (fields === null) {
    map.delete(id);
    return;
  }
  const found = map.get(id);
  const entry = found instanceof Y.Map ? (found as Y.Map<unknown>) : new Y.Map<unknown>();
  if (entry !== found) {
    map.set(id, entry);
  }
  for (const [name, value] of Object.entries(fields)) {
    entry.set(name, value);
  }
}
