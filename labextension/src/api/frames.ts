/** What the `/events` socket says, read once from unknown JSON. */
import type { Session, SessionEvent, WorkspaceEvent } from '../schema/types';
import { isRecord, ProblemError } from './problem';

export type Frame =
  | { readonly kind: 'events'; readonly session: string; readonly events: readonly SessionEvent[] }
  | { readonly kind: 'workspace'; readonly events: readonly WorkspaceEvent[] }
  | { readonly kind: 'inbox'; readonly events: readonly SessionEvent[]; readonly whole: boolean }
  | { readonly kind: 'sessions'; readonly sessions: readonly Session[] }
  | { readonly kind: 'reply'; readonly id: number; readonly problem: ProblemError | null }
  | { readonly kind: 'pong' };

/** Read one frame; what is not one of ours gives null. */
export function readFrame(text: unknown): Frame | null {
  const body = parse(text);
  if (!isRecord(body)) {
    return null;
  }
  const { session, events, workspace, inbox, whole, sessions, reply, problem } = body;
  if (typeof session === 'string' && Array.isArray(events)) {
    return { kind: 'events', session, events: events.filter(isEvent) };
  }
  if (Array.isArray(workspace)) {
    return { kind: 'workspace', events: workspace.filter(isRecord) as unknown as WorkspaceEvent[] };
  }
  if (Array.isArray(inbox)) {
    return { kind: 'inbox', events: inbox.filter(isEvent), whole: whole === true };
  }
  if (Array.isArray(sessions)) {
    return { kind: 'sessions', sessions: sessions.filter(isRecord) as unknown as Session[] };
  }
  if (typeof reply === 'number') {
    return { kind: 'reply', id: reply, problem: isRecord(problem) ? new ProblemError(problem, 0) : null };
  }
  return 'pong' in body ? { kind: 'pong' } : null;
}

function isEvent(value: unknown): value is SessionEvent {
  return isRecord(value) && typeof value['seq'] === 'number' && isRecord(value['update']);
}

function parse(text: unknown): unknown {
  if (typeof text !== 'string') {
    return null;
  }
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
