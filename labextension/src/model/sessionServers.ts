/** The tool servers of one session while somebody looks at them: read anew when its agent comes or goes. */
import type { IDisposable } from '@lumino/disposable';
import type { Http } from '../api/http';
import type { SessionServers } from '../api/own';
import { fetchSessionServers, switchSessionServer } from '../api/own';
import { closeAgent } from '../api/sessions';
import type { Tellable } from '../ui/notify';
import { Store } from './store';
import type { Workspace } from './workspace';

/** Whether the agent was closed from here: the next prompt starts it. */
export type Restart = 'no' | 'closing' | 'closed';

export class SessionServersStore extends Store<SessionServers> implements IDisposable {
  readonly problem = new Store<Tellable | null>(null);
  readonly restart = new Store<Restart>('no');
  isDisposed = false;
  private readonly stop: () => void;
  private status: string | undefined;

  private constructor(
    private readonly http: Http,
    workspace: Workspace,
    first: SessionServers
  ) {
    super(first);
    const statusOf = (): string | undefined => workspace.sessions.get().get(first.session_id)?.status;
    this.status = statusOf();
    this.stop = workspace.sessions.subscribe(() => {
      if (this.status !== statusOf()) {
        this.status = statusOf();
        void this.look();
      }
    });
  }

  /** Read them; what goes wrong is thrown. Dispose what this gives. */
  static async open(http: Http, workspace: Workspace, sessionId: string): Promise<SessionServersStore> {
    return new SessionServersStore(http, workspace, await fetchSessionServers(http, sessionId));
  }

  look(): Promise<void> {
    return this.attempt(() => fetchSessionServers(this.http, this.get().session_id));
  }

  turn(name: string, enabled: boolean): Promise<void> {
    return this.attempt(() => switchSessionServer(this.http, this.get().session_id, name, enabled));
  }

  /** Close the agent, so that the next prompt starts it anew. */
  async restartAgent(): Promise<void> {
    const id = this.get().session_id;
    this.restart.set('closing');
    await this.attempt(async () => {
      await closeAgent(this.http, id);
      return await fetchSessionServers(this.http, id);
    });
    this.restart.set(this.problem.get() === null ? 'closed' : 'no');
  }

  dispose(): void {
    this.isDisposed = true;
    this.stop();
  }

  private async attempt(act: () => Promise<SessionServers>): Promise<void> {
    try {
      const told = await act();
      this.problem.set(null);
      this.set(told);
    } catch (error) {
      this.problem.set(error as Tellable);
    }
  }
}
