/** The command that sends a failed task's prompt once more, with its files, as a prompt of who runs it. */
import { ProblemError } from '../api/problem';
import { fetchEvents, fetchTasks, patchTask, promptSession } from '../api/sessions';
import { CommandIds } from '../domain/commandIds';
import { wentWrong } from '../domain/lifecycle';
import type { Attachment, Task } from '../schema/types';
import { sessionArg } from './sessions';
import type { Args, Command, CommandContext } from './table';
import { needSession, whereSession } from './targets';

export function retryCommands(context: CommandContext): Command[] {
  const { trans } = context;
  return [
    {
      id: CommandIds.retryPrompt,
      label: trans.__('Try the Failed Prompt Again'),
      brief: trans.__('Try Again'),
      caption: trans.__('Send the prompt of the task that failed or was lost once more, with its files'),
      args: sessionArg,
      enabled: whereSession(
        context,
        session => !session.archived && session.current_task === null && wentWrong(session.last_stop_reason)
      ),
      execute: args => retry(context, args)
    }
  ];
}

async function retry(context: CommandContext, args: Args): Promise<Task> {
  const { app, trans } = context;
  const id = needSession(context, args);
  const tasks = await fetchTasks(app.http, id);
  const failed = lastEnded(tasks);
  if (failed === undefined || !wentWrong(failed.stop_reason)) {
    const hint = trans.__('Send a prompt instead.');
    throw new ProblemError({ detail: trans.__('The last task of this session did not fail.'), hint }, 0);
  }
  const files = failed.attached.length === 0 ? [] : await filesOf(context, failed);
  // As many tasks, the same attempt: two clicks send it once, but what was taken back can be sent again.
  const task = await promptSession(app.http, id, failed.prompt, `retry-${failed.id}-${tasks.length}`, files);
  const behind = tasks.some(each => each.status === 'queued');
  return behind ? await patchTask(app.http, task.id, { place: 0 }) : task; // what waits was meant to follow it
}

/** The log keeps a prompt whole, files and all: it is the first event of its task. */
async function filesOf({ app }: CommandContext, task: Task): Promise<readonly Attachment[]> {
  const { items } = await fetchEvents(app.http, task.session_id, { task_id: task.id, limit: 1 });
  const update = items[0]?.update;
  return update?.type === 'task_queued' ? update.attachments : [];
}

function lastEnded(tasks: readonly Task[]): Task | undefined {
  const ended = tasks.filter(task => task.status === 'ended');
  return ended.sort((a, b) => (a.ended_ms ?? 0) - (b.ended_ms ?? 0)).at(-1);
}
