/** Sessions, tasks, their events and what waits for an answer, by REST. */
import type {
  AnswerPermission,
  Attachment,
  ChangeSession,
  CreateSession,
  ForkSession,
  PageSessionEvent,
  PermissionRecord,
  Session,
  SessionEvent,
  SessionScript,
  Task,
  TranscriptPlace
} from '../schema/types';
import type { Http } from './http';

export type NewSession = Pick<CreateSession, 'worktree_id' | 'agent'> & Partial<CreateSession>;
export type Fork = Partial<ForkSession>;
export type SessionPatch = Partial<ChangeSession>;
export type Permission = PermissionRecord;
export type Answer = Pick<AnswerPermission, 'option_id'> & Partial<AnswerPermission>;

export interface EventQuery {
  readonly after_seq?: number;
  readonly before_seq?: number;
  readonly limit?: number;
  readonly task_id?: string;
  readonly newest?: boolean;
}

export type EventPage = PageSessionEvent;
export type { TranscriptPlace } from '../schema/types';

export const fetchSessions = (http: Http): Promise<Session[]> => http.list('sessions');
export const fetchSession = (http: Http, id: string): Promise<Session> => http.get(`sessions/${id}`);
export const createSession = (http: Http, wanted: NewSession, key: string): Promise<Session> =>
  http.post('sessions', wanted, key);
export const patchSession = (http: Http, id: string, changes: SessionPatch): Promise<Session> =>
  http.patch(`sessions/${id}`, changes);
/** Branch off; the body says where, and in which worktree. */
export const forkSession = (http: Http, id: string, fork: Fork, key: string): Promise<Session> =>
  http.post(`sessions/${id}/forks`, fork, key);
export const interruptSession = (http: Http, id: string): Promise<Session> =>
  http.post(`sessions/${id}/interrupt`);
export const resumeSession = (http: Http, id: string): Promise<Session> =>
  http.post(`sessions/${id}/resume`);

/** End an agent without a task; the next prompt starts it anew. */
export const closeAgent = (http: Http, id: string): Promise<Session> => http.post(`sessions/${id}/close-agent`);

export const promptSession = (
  http: Http,
  id: string,
  prompt: string,
  key: string,
  attachments: readonly Attachment[] = []
): Promise<Task> => http.post(`sessions/${id}/tasks`, { prompt, attachments }, key);
/** Put words into the running turn. The agent has them when this answers. */
export const steerSession = (
  http: Http,
  id: string,
  prompt: string,
  key: string,
  attachments: readonly Attachment[] = []
): Promise<Session> => http.post(`sessions/${id}/steer`, { prompt, attachments }, key);
export const fetchTasks = (http: Http, id: string): Promise<Task[]> => http.list(`sessions/${id}/tasks`);
export const patchTask = (
  http: Http,
  id: string,
  changes: { readonly prompt?: string; readonly place?: number }
): Promise<Task> => http.patch(`tasks/${id}`, changes);
export const removeTask = (http: Http, id: string): Promise<unknown> => http.delete(`tasks/${id}`);

export const fetchEvents = (http: Http, id: string, query: EventQuery): Promise<EventPage> =>
  http.get(`sessions/${id}/events`, { ...query });

/** Read all events of one task, page by page. */
export async function fetchTaskEvents(http: Http, id: string, taskId: string): Promise<SessionEvent[]> {
  const found: SessionEvent[] = [];
  for (;;) {
    const after = found.at(-1)?.seq ?? 0;
    const page = await fetchEvents(http, id, { task_id: taskId, after_seq: after, limit: 500 });
    found.push(...page.items);
    if (page.next === null || page.items.length === 0) {
      return found;
    }
  }
}

export const fetchTranscript = (http: Http, id: string): Promise<TranscriptPlace> =>
  http.get(`sessions/${id}/transcript`);
export const rebuildTranscript = (http: Http, id: string): Promise<TranscriptPlace> =>
  http.post(`sessions/${id}/transcript`);

/** Make the script that plays a session again; its secrets are taken out by the server. */
export const fetchScript = (http: Http, id: string): Promise<SessionScript> => http.get(`sessions/${id}/script`);

export const fetchPending = (http: Http): Promise<Permission[]> =>
  http.list('permissions', { state: 'pending' });
export const answerPermission = (http: Http, id: string, answer: Answer): Promise<Permission> =>
  http.post(`permissions/${id}`, answer);
