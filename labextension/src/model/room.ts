/** One Y document over one websocket room of ours. It never speaks through other tabs of the browser. */
import type { IDisposable } from '@lumino/disposable';
import type { Awareness } from 'y-protocols/awareness';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import type { Http } from '../api/http';
import { Store } from './store';

export type RoomState = 'connecting' | 'live' | 'away';

const LONGEST_BACKOFF_MS = 10_000;

export class Room implements IDisposable {
  readonly doc = new Y.Doc();
  readonly state = new Store<RoomState>('connecting');
  readonly synced: Promise<void>;
  isDisposed = false;
  private readonly provider: WebsocketProvider;

  constructor(http: Http, name: string) {
    const { token, appendToken } = http.settings;
    this.provider = new WebsocketProvider(http.socketUrl('rooms').split('?')[0] ?? '', name, this.doc, {
      // Tabs that talk to each other around the server would talk around its roles too.
      disableBc: true,
      maxBackoffTime: LONGEST_BACKOFF_MS,
      params: {
        clientId: String(this.doc.clientID),
        ...(appendToken && token !== '' ? { token } : {})
      }
    });
    this.synced = new Promise(resolve => {
      this.provider.once('sync', () => resolve());
    });
    this.provider.on('status', this.onStatus);
  }

  get awareness(): Awareness {
    return this.provider.awareness;
  }

  dispose(): void {
    if (!this.isDisposed) {
      this.isDisposed = true;
      this.provider.off('status', this.onStatus);
      this.provider.destroy();
      this.doc.destroy();
    }
  }

  private readonly onStatus = ({ status }: { status: string }): void => {
    if (status === 'connected') {
      // The server dropped our state with the connection; a new clock brings it back (y-websocket #122).
      const mine = this.awareness.getLocalState();
      this.awareness.setLocalState(mine === null ? null : { ...mine });
    }
    this.state.set(status === 'connected' ? 'live' : this.state.get() === 'connecting' ? 'connecting' : 'away');
  };
}
