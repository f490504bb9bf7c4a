/** Everything that views share, made once by the model plugin: the door to the server and its lists. */
import type { IStateDB } from '@jupyterlab/statedb';
import type { ServerConnection } from '@jupyterlab/services';
import { EventStream } from '../api/eventStream';
import { Http } from '../api/http';
import { BoardDoc } from './boardDoc';
import { OwnThings } from './ownThings';
import { SeenStore } from './seen';
import { SessionStore } from './sessionStore';
import { Store } from './store';
import type { JupyterIdentity } from './workspace';
import { Workspace } from './workspace';

export class AgorApp {
  readonly http: Http;
  readonly stream: EventStream;
  readonly seen: SeenStore;
  readonly workspace: Workspace;
  readonly own: OwnThings;
  /** The session whose panel was used last, while that is open: what commands without an id act on. */
  readonly current = new Store<string | null>(null);
  /** The sessions whose panels are in view: what they ask is seen there. */
  readonly inView = new Store<readonly string[]>([]);

  constructor(
    settings: ServerConnection.ISettings,
    db: IStateDB | null,
    askJupyter?: () => Promise<JupyterIdentity | null>
  ) {
    this.http = new Http(settings);
    this.stream = new EventStream({
      open: () => new settings.WebSocket(this.http.socketUrl('events'))
    });
    this.seen = new SeenStore(db);
    this.workspace = new Workspace(this.http, this.stream, this.seen, askJupyter);
    this.own = new OwnThings(this.http, this.workspace);
  }

  async start(): Promise<void> {
    this.stream.start();
    await Promise.all([this.seen.load(), this.workspace.load()]);
  }

  /** Open a board; the caller disposes it. The lists must be loaded: presence needs to know who I am. */
  openBoard(id: string): BoardDoc {
    const me = this.workspace.me.get();
    if (me === null) {
      throw new Error('the workspace is not loaded');
    }
    return new BoardDoc(id, this.http, me.person, this.workspace.username);
  }

  /** Open a session; the caller calls `open()` and disposes it. */
  openSession(id: string): SessionStore {
    return new SessionStore(id, this.http, this.stream);
  }
}
