/**
 * The one reducer of a session's record: mirrors `apply` of agor_jupyter/domain/snapshot.py, held by
 * the golden files in tests/golden/events. What was said in a task is `applyBlock.ts`.
 */
import type { Session, SessionEvent, TaskEnded, Usage } from '../schema/types';
import { pausesQueue, resting } from './lifecycle';

/** How many characters of the last line said a session's record keeps. */
export const LAST_WORDS = 200;

type Changes = Partial<Session>;

/** Fold one event into the session's record. Events must come in the order of `seq`. */
export function applyEvent(session: Session, event: SessionEvent): Session {
  const changes = changesOf(session, event);
  if (session.archived && changes.archived === undefined) {
    delete changes.status; // what still ends in a session that was put away brings it not back
  }
  return { ...session, ...changes, last_seq: event.seq, updated_ms: event.at_ms };
}

function changesOf(session: Session, event: SessionEvent): Changes {
  const update = event.update;
  const others = session.queue.filter(id => id !== event.task_id);
  switch (update.type) {
    case 'task_queued': {
      const queue = [...session.queue, known(event.task_id)];
      return { queue, task_count: session.task_count + 1, ...rest(session, { queue }) };
    }
    case 'task_updated':
      return update.place === null
        ? {}
        : { queue: moved(session.queue, known(event.task_id), update.place) };
    case 'task_removed':
      return removed(session, others);
    case 'task_started':
      return {
        queue: others,
        current_task: event.task_id,
        status: 'starting',
        waits: null,
        error: '',
        hint: '',
        last_words: lineEnded(session.last_words)
      };
    case 'task_ended':
      return ended(session, update);
    case 'queue_paused':
      return paused(session, update.reason, update.hint);
    case 'queue_waiting':
      return { waits: { reason: update.reason, since_ms: session.waits?.since_ms ?? event.at_ms } };
    case 'queue_resumed': {
      const fresh = { last_stop_reason: null, queue_paused: '', error: '', hint: '' };
      return { ...fresh, ...rest({ ...session, ...fresh }, { paused: false }) };
    }
    case 'permission_request':
      return { pending: [...session.pending, update.request_id], status: 'awaiting_permission' };
    case 'permission_resolved': {
      const pending = session.pending.filter(id => id !== update.request_id);
      if (pending.length > 0 || session.current_task !== null) {
        return { pending, status: pending.length > 0 ? 'awaiting_permission' : 'running' };
      }
      // It was asked apart from any task: the session rests again.
      return { pending, ...rest(session, { paused: session.queue_paused !== '' }) };
    }
    default:
      return said(session, update);
  }
}

function said(session: Session, update: SessionEvent['update']): Changes {
  switch (update.type) {
    case 'agent_message_chunk':
      return { last_words: lastLine(session.last_words, update.text), ...running(session) };
    case 'tool_call':
      return { last_words: lineEnded(session.last_words), ...running(session) };
    case 'agent_thought_chunk':
    case 'tool_call_update':
    case 'plan':
      return running(session);
    case 'agent_ready':
      return {
        native_ref: update.native_ref,
        model: update.model === '' ? session.model : update.model,
        models: update.models,
        model_labels: update.model_labels,
        efforts: update.efforts,
        commands: update.commands,
        trusted: update.trusted,
        instructions: update.instructions,
        tool_servers: update.tool_servers,
        unable: update.unable,
        ...running(session)
      };
    case 'notice':
      return missing(session, update.tool_servers, update.text);
    case 'usage_update':
      return update.context_used === null
        ? {}
        : { context_used: update.context_used, context_size: update.context_size };
    case 'current_mode_update':
      return { mode: update.mode };
    case 'current_model_update':
      return { model: update.model };
    case 'current_effort_update':
      return { effort: update.effort };
    case 'session_created':
      return { agent: update.agent, title: update.title, mode: update.mode, model: update.model };
    case 'session_updated':
      return {
        ...(update.replayed ? replayed(session) : {}),
        ...(update.status_line === null ? {} : { status_line: update.status_line }),
        ...(update.title === null ? {} : { title: update.title }),
        ...(update.archived === null
          ? {}
          : {
              archived: update.archived,
              status: archive(session, update.archived),
              ...(update.archived ? { waits: null } : {})
            })
      };
    default:
      return {};
  }
}

function replayed(session: Session): Changes {
  return { fork: null, origin: session.origin === null ? null : { ...session.origin, replayed: true } };
}

function ended(session: Session, update: TaskEnded): Changes {
  const held = session.queue_paused !== '' || pausesQueue(update.stop_reason);
  return {
    current_task: null,
    pending: [],
    last_stop_reason: update.stop_reason,
    error: update.error,
    hint: update.hint,
    usage: addUsage(session.usage, update.usage),
    status: resting(update.stop_reason, session.queue.length, held)
  };
}

function paused(session: Session, reason: string, hint: string): Changes {
  const now: Changes = { waits: null, ...rest(session, { paused: true }) };
  // Nothing went wrong before: what paused the queue is itself the failure.
  return now.status === 'idle'
    ? { ...now, queue_paused: reason, status: 'failed', error: reason, hint }
    : { queue_paused: reason, ...now };
}

/** Keep why some of the tool servers that the agent started with are missing. */
function missing(session: Session, names: readonly string[], why: string): Changes {
  const started = Object.entries(session.tool_servers);
  return names.length === 0
    ? {}
    : { tool_servers: Object.fromEntries(started.map(([name, before]) => [name, names.includes(name) ? why : before])) };
}

function running(session: Session): Changes {
  return session.status === 'starting' ? { status: 'running' } : {};
}

function removed(session: Session, queue: string[]): Changes {
  // Nothing is left to hold: the next prompt is not to wait for a person.
  return queue.length > 0 || session.queue_paused === ''
    ? { queue, waits: queue.length > 0 ? session.waits : null, ...rest(session, { queue }) }
    : { queue, queue_paused: '', ...rest(session, { queue, paused: false }) };
}

/** Name the status anew unless a task is under way. */
function rest(session: Session, now: { queue?: readonly string[]; paused?: boolean }): Changes {
  if (session.current_task !== null || session.archived) {
    return {};
  }
  if (now.paused === undefined && session.queue_paused !== '') {
    return {}; // what paused the queue still says how the session stands
  }
  const queued = (now.queue ?? session.queue).length;
  return { status: resting(session.last_stop_reason, queued, now.paused ?? session.queue_paused !== '') };
}

function archive(session: Session, archived: boolean): Session['status'] {
  return archived
    ? 'archived'
    : resting(session.last_stop_reason, session.queue.length, session.queue_paused !== '');
}

function moved(queue: readonly string[], taskId: string, place: number): string[] {
  const others = queue.filter(id => id !== taskId);
  if (others.length === queue.length) {
    return [...queue];
  }
  others.splice(Math.max(0, Math.min(place, others.length)), 0, taskId);
  return others;
}

function known(taskId: string | null): string {
  if (taskId === null) {
    throw new Error('this event belongs to a task and must name it');
  }
  return taskId;
}

// Where Python's str.splitlines breaks a line; the two languages must agree on the last one.
// eslint-disable-next-line no-control-regex -- the separators are control characters
const LINE_BREAKS = /\r\n|[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]/;

/** Give the last non-empty line of `before + text`, its end, at most `LAST_WORDS` characters. */
export function lastLine(before: string, text: string): string {
  const all = before + text;
  const line = all.split(LINE_BREAKS).findLast(candidate => candidate.trim() !== '');
  if (line === undefined) {
    return '';
  }
  // Characters are code points, as in Python: half an emoji is never kept.
  const kept = line.length > LAST_WORDS ? Array.from(line).slice(-LAST_WORDS).join('') : line;
  // A line that is complete starts afresh: the next chunk must not be glued to it.
  return all.endsWith('\n') ? `${kept}\n` : kept;
}

/** End the line: what is said after a tool, or in another task, is not glued to it. */
function lineEnded(words: string): string {
  return words === '' || words.endsWith('\n') ? words : `${words}\n`;
}

/** Add two usages. A cost is known as soon as one of the two reports it. */
export function addUsage(total: Usage, more: Usage): Usage {
  const known = total.cost_usd !== null || more.cost_usd !== null;
  return {
    input_tokens: total.input_tokens + more.input_tokens,
    output_tokens: total.output_tokens + more.output_tokens,
    cached_read_tokens: total.cached_read_tokens + more.cached_read_tokens,
    cached_write_tokens: total.cached_write_tokens + more.cached_write_tokens,
    thought_tokens: total.thought_tokens + more.thought_tokens,
    cost_usd: known ? (total.cost_usd ?? 0) + (more.cost_usd ?? 0) : null
  };
}

/** Count what the model was given, out of its cache or not, as transcripts do. */
export function tokensIn(usage: Usage): number {
  return usage.input_tokens + usage.cached_read_tokens + usage.cached_write_tokens;
}

/** Count all tokens of a usage, as `Usage.total_tokens` does. */
export function totalTokens(usage: Usage): number {
  return tokensIn(usage) + usage.output_tokens;
}
