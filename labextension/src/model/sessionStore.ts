/**
 * One session as this page sees it: its record, its tasks and what was said in those that are loaded.
 *
 * Loading is by task, newest first: a session of five thousand messages opens with its last ones and
 * reads the rest as somebody scrolls there. Events that arrive meanwhile are folded once, by `seq`.
 */
import type { IDisposable } from '@lumino/disposable';
import type { EventStream } from '../api/eventStream';
import type { Http } from '../api/http';
import type { ProblemError } from '../api/problem';
import { toProblem } from '../api/problem';
import { fetchPending, fetchSession, fetchTaskEvents, fetchTasks } from '../api/sessions';
import { applyBlock, EMPTY_CONTENT } from '../domain/applyBlock';
import { applyEvent } from '../domain/applyEvent';
import { applyTask } from '../domain/applyTask';
import type { PermissionRequest, Session, SessionEvent, Task, TaskContent } from '../schema/types';
import { Store } from './store';

export interface TaskView {
  readonly task: Task;
  /** What was said; null while it is not loaded. */
  readonly content: TaskContent | null;
  /** The last event folded into `content`. */
  readonly seq: number;
}

export interface SessionState {
  readonly session: Session | null;
  /** In the order in which they were queued. Removed ones stay, with status `removed`. */
  readonly tasks: readonly TaskView[];
  /** What is asked apart from any task: for what the agent left in the background. */
  readonly apart: readonly PermissionRequest[];
  readonly problem: ProblemError | null;
}

/** Find the requests that wait, in the order in which they were asked. */
export function pendingRequests(state: SessionState): PermissionRequest[] {
  const waiting = new Set<string>(state.session?.pending ?? []);
  if (waiting.size === 0) {
    return [];
  }
  const inTasks = state.tasks.flatMap(({ content }) =>
    (content?.blocks ?? []).flatMap(block =>
      block.type === 'permission' && block.resolved === null && waiting.has(block.id) ? [block.request] : []
    )
  );
  return [...inTasks, ...state.apart.filter(request => waiting.has(request.request_id))];
}

/** Load whole tasks from the newest back until so many blocks are there. */
const FIRST_BLOCKS = 200;

export class SessionStore extends Store<SessionState> implements IDisposable {
  isDisposed = false;
  private subscription: IDisposable | null = null;
  private readonly loading = new Map<string, Promise<void>>();

  constructor(
    readonly id: string,
    private readonly http: Http,
    private readonly stream: EventStream
  ) {
    super({ session: null, tasks: [], apart: [], problem: null });
  }

  dispose(): void {
    this.isDisposed = true;
    this.subscription?.dispose();
  }

  /** Read the record and the newest tasks, then follow. Called again after a failure. */
  async open(): Promise<void> {
    try {
      const session = await fetchSession(this.http, this.id);
      const tasks = await fetchTasks(this.http, this.id);
      const apart = session.pending.length > 0 ? await this.fetchApart() : [];
      if (this.isDisposed) {
        return;
      }
      this.set({
        session,
        tasks: tasks.map(task => ({ task, content: null, seq: 0 })),
        apart,
        problem: null
      });
      // From the record's own event on; what a task's events repeat is told apart by `seq`.
      this.subscription?.dispose();
      this.subscription = this.stream.subscribe(this.id, session.last_seq, {
        onEvents: events => this.take(events),
        onProblem: problem => this.update(state => ({ ...state, problem }))
      });
      await this.loadNewest();
    } catch (error) {
      this.update(state => ({ ...state, problem: toProblem(error) }));
    }
  }

  private async fetchApart(): Promise<PermissionRequest[]> {
    const waiting = await fetchPending(this.http);
    return waiting.filter(each => each.session_id === this.id && each.task_id === null).map(each => each.request);
  }

  /** Read what was said in a task, once. */
  loadTask(taskId: string): Promise<void> {
    const known = this.get().tasks.find(({ task }) => task.id === taskId);
    if (known === undefined || known.content !== null) {
      return Promise.resolve();
    }
    let job = this.loading.get(taskId);
    if (job === undefined) {
      job = this.readTask(taskId).finally(() => this.loading.delete(taskId));
      this.loading.set(taskId, job);
    }
    return job;
  }

  private async loadNewest(): Promise<void> {
    let blocks = 0;
    for (const { task } of [...this.get().tasks].reverse()) {
      if (blocks >= FIRST_BLOCKS || this.isDisposed) {
        return;
      }
      await this.loadTask(task.id);
      blocks += this.get().tasks.find(view => view.task.id === task.id)?.content?.blocks.length ?? 0;
    }
  }

  private async readTask(taskId: string): Promise<void> {
    // Events that the stream brings while we read are kept, and folded after what was read.
    const meanwhile: SessionEvent[] = [];
    this.arriving.set(taskId, meanwhile);
    try {
      const read = await fetchTaskEvents(this.http, this.id, taskId);
      const last = read.at(-1)?.seq ?? 0;
      const all = [...read, ...meanwhile.filter(event => event.seq > last)];
      const content = all.reduce(applyBlock, EMPTY_CONTENT);
      this.mapTask(taskId, view => ({ ...view, content, seq: all.at(-1)?.seq ?? 0 }));
    } finally {
      this.arriving.delete(taskId);
    }
  }

  private readonly arriving = new Map<string, SessionEvent[]>();

  private mapTask(taskId: string, change: (view: TaskView) => TaskView): void {
    this.update(state => ({
      ...state,
      tasks: state.tasks.map(view => (view.task.id === taskId ? change(view) : view))
    }));
  }

  /** Fold a batch and tell those who watch once. */
  private take(events: readonly SessionEvent[]): void {
    const { session, tasks } = this.get();
    let record = session;
    let { apart } = this.get();
    const views = new Map(tasks.map(view => [view.task.id, view]));
    for (const event of events) {
      if (record !== null && event.seq > record.last_seq) {
        record = applyEvent(record, event);
      }
      if (event.task_id !== null) {
        this.arriving.get(event.task_id)?.push(event);
        const next = takeEvent(views.get(event.task_id), event);
        if (next !== undefined) {
          views.set(event.task_id, next);
        }
      } else if (event.update.type === 'permission_request') {
        apart = [...apart, event.update];
      }
    }
    const open = new Set(record?.pending ?? []);
    apart = apart.every(each => open.has(each.request_id)) ? apart : apart.filter(each => open.has(each.request_id));
    this.set({ session: record, tasks: [...views.values()], apart, problem: null });
  }
}

/** Fold one event into a task's view. A task that begins before our eyes needs no loading. */
export function takeEvent(view: TaskView | undefined, event: SessionEvent): TaskView | undefined {
  const task = applyTask(view?.task, event);
  if (task === undefined) {
    return undefined;
  }
  if (view === undefined) {
    return { task, content: EMPTY_CONTENT, seq: event.seq };
  }
  const { content, seq } = view;
  return content === null || event.seq <= seq
    ? { ...view, task }
    : { task, content: applyBlock(content, event), seq: event.seq };
}
