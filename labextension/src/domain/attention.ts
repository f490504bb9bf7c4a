/**
 * What calls for a person, and in which order: waits > failed > finished unseen > running > the rest.
 * Exactly one thing on a card may call; everything that sorts or badges asks here.
 */
import type { SessionStatus } from './lifecycle';

/** What a glyph shows: a session's status, or that it has finished and nobody has looked. */
export type Glyph = SessionStatus | 'unseen';

const ORDER: readonly Glyph[] = [
  'awaiting_permission',
  'failed',
  'lost',
  'unseen',
  'running',
  'starting',
  'queued',
  'interrupted',
  'idle',
  'archived'
];

export interface Noticeable {
  readonly status: SessionStatus;
  readonly unseen?: boolean;
  readonly updated_ms: number;
}

/** Name the glyph of a session. A session at rest that nobody has looked at is `unseen`. */
export function glyphOf(session: Noticeable): Glyph {
  return session.unseen === true && session.status === 'idle' ? 'unseen' : session.status;
}

export function urgency(glyph: Glyph): number {
  return ORDER.indexOf(glyph);
}

/** Order two sessions: the more urgent first, then the one that changed last. */
export function byAttention(a: Noticeable, b: Noticeable): number {
  return urgency(glyphOf(a)) - urgency(glyphOf(b)) || b.updated_ms - a.updated_ms;
}

/** Name the most urgent glyph of a group; a group without sessions is idle. */
export function mostUrgent(sessions: Iterable<Noticeable>): Glyph {
  let found: Glyph | undefined;
  for (const session of sessions) {
    const glyph = glyphOf(session);
    found = found === undefined || urgency(glyph) < urgency(found) ? glyph : found;
  }
  return found ?? 'idle';
}

/** A worktree that git has lost calls louder than any session in it. */
export function glyphOfTree(state: string, sessions: Iterable<Noticeable>): Glyph {
  return state === 'missing' || state === 'failed' ? 'failed' : mostUrgent(sessions);
}

const WORDS: Record<Glyph, string> = {
  awaiting_permission: 'waits for an answer',
  failed: 'failed',
  lost: 'lost its agent',
  unseen: 'finished, not seen yet',
  running: 'running',
  starting: 'starting',
  queued: 'queued',
  interrupted: 'stopped',
  idle: 'idle',
  archived: 'archived'
};

/** Say a glyph in words (English; the caller translates). */
export function wordOf(glyph: Glyph): string {
  return WORDS[glyph];
}
