/**
 * A session's states and what calls for a person: mirrors agor_jupyter/domain/lifecycle.py.
 */
import type { Session, TaskEnded } from '../schema/types';

export type SessionStatus = Session['status'];
export type StopReason = TaskEnded['stop_reason'];

const AFTER_TASK: Record<StopReason, SessionStatus> = {
  end_turn: 'idle',
  max_tokens: 'idle',
  max_turn_requests: 'idle',
  refusal: 'idle',
  cancelled: 'interrupted',
  failed: 'failed',
  lost: 'lost'
};

/** Say whether what is queued must wait for a person: yes after a stop, a failure or a loss. */
export function pausesQueue(reason: StopReason): boolean {
  return AFTER_TASK[reason] !== 'idle';
}

/** Say whether a task ended without having done its work, through no wish of a person. */
export function wentWrong(reason: StopReason | null): boolean {
  return reason === 'failed' || reason === 'lost';
}

/** Name the state of a session in which no task is under way. */
export function resting(reason: StopReason | null, queued: number, paused: boolean): SessionStatus {
  if (queued > 0 && !paused) {
    return 'queued';
  }
  return reason === null ? 'idle' : AFTER_TASK[reason];
}

const WORKING: readonly SessionStatus[] = ['starting', 'running', 'awaiting_permission'];

/** Say whether a task is under way: a prompt sent now is queued. */
export function isWorking(status: SessionStatus): boolean {
  return WORKING.includes(status);
}
