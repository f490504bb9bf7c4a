/**
 * The lists that every view shares: who I am, agents, repositories, worktrees, boards and the small
 * records of sessions. Loaded by REST, kept fresh by the event stream, loaded anew after a loss.
 */
import type { IDisposable } from '@lumino/disposable';
import type { AgentInfo, Me } from '../api/agents';
import { fetchAgents, fetchMe } from '../api/agents';
import { fetchBoards } from '../api/boards';
import type { EventStream, StreamState, WorkspaceNews } from '../api/eventStream';
import type { Http } from '../api/http';
import { fetchRepos, fetchWorktrees } from '../api/repos';
import { fetchSessions } from '../api/sessions';
import type { Board, Repo, Session, WorkspaceEvent, Worktree } from '../schema/types';
import type { SeenStore } from './seen';
import { Store } from './store';
import { TrustStore } from './trust';

type Listed<T> = ReadonlyMap<string, T>;
export type LoadState = 'loading' | 'ready' | 'failed';

/** What Jupyter itself says of who is here. */
export interface JupyterIdentity {
  readonly username: string;
  readonly color: string | null;
}

export class Workspace implements IDisposable {
  readonly me = new Store<Me | null>(null);
  readonly agents = new Store<readonly AgentInfo[]>([]);
  readonly repos = new Store<Listed<Repo>>(new Map());
  readonly worktrees = new Store<Listed<Worktree>>(new Map());
  /** Whether repositories are trusted: looked up where somebody sees one. */
  readonly trust: TrustStore;
  readonly boards = new Store<Listed<Board>>(new Map());
  readonly sessions = new Store<Listed<Session>>(new Map());
  readonly state = new Store<LoadState>('loading');
  /** Whether the server is heard: what is shown may be old while it is `away`. */
  readonly connection = new Store<StreamState>('connecting');
  /** Why loading failed, for the view that says so. */
  readonly error = new Store<unknown>(null);
  /** Who Jupyter takes this page for: what presence is checked against. Not an id of a person of ours. */
  username = '';
  isDisposed = false;
  private wasAway = false;
  private loading: Promise<void> | null = null;

  constructor(
    readonly http: Http,
    readonly stream: EventStream,
    readonly seen: SeenStore,
    private readonly askJupyter: () => Promise<JupyterIdentity | null> = () => Promise.resolve(null)
  ) {
    this.trust = new TrustStore(http);
    this.connection.set(stream.state);
    stream.news.connect(this.onNews);
    stream.stateChanged.connect(this.onState);
  }

  dispose(): void {
    this.isDisposed = true;
    this.stream.news.disconnect(this.onNews);
    this.stream.stateChanged.disconnect(this.onState);
  }

  /** Read all lists anew. Two calls at one time are one. */
  load(): Promise<void> {
    this.loading ??= this.read().finally(() => {
      this.loading = null;
    });
    return this.loading;
  }

  /** Say whether this person may do `action` on `resource`, as the server said. */
  may(action: string, resource: string): boolean {
    const me = this.me.get();
    return me !== null && me.read_only === '' && (me.permissions[resource] ?? []).includes(action);
  }

  /** Take a record that a REST answer brought: the view need not wait for the socket to say it again. */
  take(record: { readonly session?: Session; readonly worktree?: Worktree; readonly repo?: Repo; readonly board?: Board }): void {
    if (record.session !== undefined) {
      this.takeSessions([record.session]);
    }
    put(this.worktrees, record.worktree);
    put(this.repos, record.repo);
    put(this.boards, record.board);
  }

  /** Take who I am after a change of my own; Jupyter's colour stays. */
  takeMe(me: Me): void {
    const color = me.person.color ?? this.me.get()?.person.color ?? null;
    this.me.set({ ...me, person: { ...me.person, color } });
  }

  private async read(): Promise<void> {
    try {
      const [me, repos, worktrees, boards, sessions, agents] = await Promise.all([
        fetchMe(this.http),
        fetchRepos(this.http),
        fetchWorktrees(this.http),
        fetchBoards(this.http),
        fetchSessions(this.http),
        fetchAgents(this.http)
      ]);
      const identity = await this.askJupyter();
      const color = me.person.color ?? identity?.color ?? null;
      this.username = identity?.username ?? me.person.id;
      this.me.set({ ...me, person: { ...me.person, color } });
      this.agents.set(agents);
      this.repos.set(byId(repos));
      this.worktrees.set(byId(worktrees));
      this.boards.set(byId(boards));
      this.takeSessions(sessions);
      this.error.set(null);
      this.state.set('ready');
    } catch (error) {
      this.error.set(error);
      this.state.set(this.state.get() === 'ready' ? 'ready' : 'failed');
    }
  }

  private readonly onState = (): void => {
    const { state } = this.stream;
    this.connection.set(state);
    if (state === 'live' && this.wasAway) {
      void this.load();
    }
    this.wasAway = state === 'live' ? false : this.wasAway || state === 'away' || state === 'forbidden';
  };

  private readonly onNews = (_: EventStream, news: WorkspaceNews): void => {
    for (const event of news.events ?? []) {
      this.heard(event);
    }
    if (news.sessions !== undefined) {
      this.takeSessions(news.sessions);
    }
  };

  private heard({ noun, verb, id, body }: WorkspaceEvent): void {
    const store = {
      repo: this.repos,
      worktree: this.worktrees,
      board: this.boards,
      session: this.sessions
    }[noun] as Store<Listed<unknown>> | undefined;
    if (verb === 'deleted') {
      store?.update(items => new Map([...items].filter(([key]) => key !== id)));
    } else if (noun === 'session') {
      this.takeSessions([body as unknown as Session]);
    } else if (typeof body['id'] === 'string') {
      store?.update(items => new Map(items).set(id, body));
    }
  }

  /** A record never goes back: REST and the socket may overtake each other. */
  private takeSessions(sessions: readonly Session[]): void {
    const known = this.sessions.get();
    const news = sessions.filter(
      session => typeof session.id === 'string' && (known.get(session.id)?.last_seq ?? -1) <= session.last_seq
    );
    if (news.length > 0) {
      this.sessions.set(new Map([...known, ...byId(news)]));
    }
  }
}

function byId<T extends { readonly id: string }>(items: readonly T[]): Map<string, T> {
  return new Map(items.map(item => [item.id, item]));
}

function put<T extends { readonly id: string }>(store: Store<Listed<T>>, item: T | undefined): void {
  if (item !== undefined) {
    store.update(items => new Map(items).set(item.id, item));
  }
}
