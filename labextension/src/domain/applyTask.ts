/**
 * The reducer of the task list: mirrors agor_jupyter/domain/tasks.py, held by the golden files.
 * `place` is not kept here: it is the task's index in `Session.queue`.
 */
import type { SessionEvent, Task, TaskEnded, TaskQueued, Usage } from '../schema/types';

const NO_USAGE: Usage = {
  input_tokens: 0,
  output_tokens: 0,
  cached_read_tokens: 0,
  cached_write_tokens: 0,
  thought_tokens: 0,
  cost_usd: null
};

/** Fold one event into the task it belongs to. Only task_* events and a wish to stop change one. */
export function applyTask(task: Task | undefined, event: SessionEvent): Task | undefined {
  const update = event.update;
  if (update.type === 'task_queued' && event.task_id !== null) {
    return queued(event.task_id, update, event);
  }
  if (task === undefined) {
    return undefined;
  }
  switch (update.type) {
    case 'task_updated':
      return { ...task, prompt: update.prompt ?? task.prompt };
    case 'task_removed':
      return { ...task, status: 'removed', ended_ms: event.at_ms };
    case 'task_started':
      return { ...task, status: 'running', started_ms: event.at_ms, base_sha: update.base_sha };
    case 'interrupt_requested':
      return { ...task, stopped_by: update.by_name === '' ? update.by : update.by_name };
    case 'task_ended':
      return ended(task, update, event.at_ms);
    default:
      return task;
  }
}

function queued(id: string, update: TaskQueued, event: SessionEvent): Task {
  return {
    id,
    session_id: event.session_id,
    by: update.by,
    by_name: update.by_name,
    attached: update.attachments.map(item => item.name),
    stopped_by: '',
    prompt: update.prompt,
    status: 'queued',
    place: null,
    queued_ms: event.at_ms,
    started_ms: null,
    ended_ms: null,
    stop_reason: null,
    usage: NO_USAGE,
    base_sha: '',
    head_sha: '',
    checkpoint_ref: '',
    checkpoint_sha: '',
    files_changed: 0,
    lines_added: 0,
    lines_removed: 0,
    error: '',
    hint: ''
  };
}

function ended(task: Task, update: TaskEnded, atMs: number): Task {
  return {
    ...task,
    status: 'ended',
    ended_ms: atMs,
    stop_reason: update.stop_reason,
    usage: update.usage,
    head_sha: update.head_sha,
    checkpoint_ref: update.checkpoint?.ref ?? task.checkpoint_ref,
    checkpoint_sha: update.checkpoint?.sha ?? task.checkpoint_sha,
    files_changed: update.files_changed,
    lines_added: update.lines_added,
    lines_removed: update.lines_removed,
    error: update.error,
    hint: update.hint
  };
}
