/**
 * What waits for an answer of this person: in sessions of their own, and in those that they have prompted.
 * Who may not answer is asked nothing.
 */
import type { IDisposable } from '@lumino/disposable';
import { fetchTasks } from '../api/sessions';
import type { Session, Task } from '../schema/types';
import type { Waiting, WaitingById } from './inbox';
import type { Readable } from './store';
import { sameItems, Store } from './store';
import type { Workspace } from './workspace';

export interface AskedSources {
  readonly inbox: Readable<WaitingById>;
  readonly workspace: Pick<Workspace, 'me' | 'sessions' | 'may'>;
  readonly tasksOf: (sessionId: string) => Promise<readonly Pick<Task, 'by'>[]>;
}

/** What a look into a session's tasks has found, when it had so many. */
interface Looked {
  readonly tasks: number;
  readonly prompted: boolean;
}

export class AskedOfMe extends Store<readonly Waiting[]> implements IDisposable {
  isDisposed = false;
  private readonly looked = new Map<string, Looked>();
  private readonly stops: readonly (() => void)[];

  constructor(private readonly sources: AskedSources) {
    super([]);
    const { inbox, workspace } = sources;
    const sift = (): void => this.sift();
    this.stops = [inbox.subscribe(sift), workspace.me.subscribe(sift), workspace.sessions.subscribe(sift)];
    this.sift();
  }

  static of(workspace: Workspace, inbox: Readable<WaitingById>): AskedOfMe {
    return new AskedOfMe({ inbox, workspace, tasksOf: id => fetchTasks(workspace.http, id) });
  }

  dispose(): void {
    this.isDisposed = true;
    this.stops.forEach(stop => stop());
  }

  private sift(): void {
    const { inbox, workspace } = this.sources;
    const waiting = inbox.get();
    if (this.isDisposed || (waiting.size === 0 && this.get().length === 0)) {
      return; // the usual case: the lists change all the time, and nobody asks anything
    }
    const me = workspace.me.get()?.person.id;
    const mine =
      me === undefined || !workspace.may('execute', 'agor:sessions')
        ? []
        : [...waiting.values()].filter(({ sessionId }) => this.concerns(sessionId, me)).sort((a, b) => a.atMs - b.atMs);
    if (!sameItems(this.get(), mine)) {
      this.set(mine);
    }
  }

  private concerns(sessionId: string, me: string): boolean {
    const session = this.sources.workspace.sessions.get().get(sessionId);
    if (session === undefined || session.archived) {
      return false;
    }
    return session.owner === me || this.hasPrompted(session, me);
  }

  /** Say what is known, and look again where there are more tasks than at the last look. */
  private hasPrompted({ id, task_count: tasks }: Session, me: string): boolean {
    const before = this.looked.get(id);
    if (before?.prompted !== true && before?.tasks !== tasks) {
      this.looked.set(id, { tasks, prompted: false });
      void this.look(id, tasks, me);
    }
    return before?.prompted === true;
  }

  private async look(id: string, tasks: number, me: string): Promise<void> {
    try {
      const found = await this.sources.tasksOf(id);
      this.looked.set(id, { tasks, prompted: found.some(task => task.by === me) });
    } catch (error) {
      // Nobody misses a notification of a session that cannot be read; the next request looks again.
      console.warn('agor-jupyter: who prompted a session is not known', error);
      this.looked.delete(id);
      return;
    }
    this.sift();
  }
}
