/** Commands about prompts that wait: edit, move, take back. Without a task, one of the session in front is asked for. */
import { InputDialog } from '@jupyterlab/apputils';
import { fetchTasks, patchTask, removeTask } from '../api/sessions';
import { CommandIds } from '../domain/commandIds';
import type { Task } from '../schema/types';
import { askText } from '../ui/askText';
import { askItem } from './ask';
import { sessionArg } from './sessions';
import type { Args, Command, CommandContext } from './table';
import { text, textArg } from './table';
import { mayRun, needSession, whereSession } from './targets';

const taskArgs = { ...sessionArg, task_id: text('The prompt that waits; asked for when absent.') };
const SHOWN = 60;

export function queueCommands(context: CommandContext): Command[] {
  const { app, trans } = context;
  const waits = whereSession(context, session => session.queue.length > 0);
  const enabled = (args: Args): boolean => (textArg(args, 'task_id') === null ? waits(args) : mayRun(context));
  return [
    {
      id: CommandIds.editTask,
      label: trans.__('Edit a Prompt That Waits…'),
      args: { ...taskArgs, prompt: text('The new words; asked for when absent.') },
      enabled,
      execute: args => edit(context, args)
    },
    {
      id: CommandIds.moveTask,
      label: trans.__('Move a Prompt That Waits…'),
      args: { ...taskArgs, place: { type: 'integer', minimum: 0, description: 'Its place from 0; asked for when absent.' } },
      enabled,
      execute: args => move(context, args)
    },
    {
      id: CommandIds.withdrawTask,
      label: trans.__('Take Back a Prompt That Waits…'),
      args: taskArgs,
      enabled,
      execute: async args => {
        const id = textArg(args, 'task_id') ?? (await askTask(context, args, trans.__('Which is taken back?')))?.id;
        return id === undefined ? null : await removeTask(app.http, id);
      }
    }
  ];
}

async function edit(context: CommandContext, args: Args): Promise<unknown> {
  const { app, trans } = context;
  const [given, prompt] = [textArg(args, 'task_id'), textArg(args, 'prompt')];
  if (given !== null && prompt !== null) {
    return await patchTask(app.http, given, { prompt });
  }
  const task = await askTask(context, args, trans.__('Which is edited?'));
  if (task === null) {
    return null;
  }
  const attempt = (words: string): Promise<Task> => patchTask(app.http, task.id, { prompt: words });
  return prompt !== null
    ? await attempt(prompt)
    : await askText({
        title: trans.__('Edit a prompt that waits'),
        accept: trans.__('Save'),
        label: trans.__('Prompt'),
        before: task.prompt,
        attempt,
        trans
      });
}

async function move(context: CommandContext, args: Args): Promise<unknown> {
  const { app, trans } = context;
  const [given, place] = [textArg(args, 'task_id'), args['place']];
  const id = given ?? (await askTask(context, args, trans.__('Which is moved?')))?.id;
  if (id === undefined) {
    return null;
  }
  if (typeof place === 'number') {
    return await patchTask(app.http, id, { place });
  }
  const { value } = await InputDialog.getNumber({ title: trans.__('Its new place (1 is next)'), value: 1 });
  return value === null ? null : await patchTask(app.http, id, { place: Math.max(0, Math.round(value) - 1) });
}

/** Let somebody choose a prompt that waits; the only one is taken unasked. */
async function askTask(context: CommandContext, args: Args, title: string): Promise<Task | null> {
  const given = textArg(args, 'task_id');
  const session = needSession(context, args);
  const waiting = (await fetchTasks(context.app.http, session))
    .filter(task => task.status === 'queued')
    .sort((a, b) => (a.place ?? 0) - (b.place ?? 0));
  const id =
    given ??
    (waiting.length < 2 ? waiting[0]?.id : await askItem(title, waiting.map(task => [task.id, shortened(task.prompt)])));
  return waiting.find(task => task.id === id) ?? null;
}

const shortened = (prompt: string): string => {
  const line = prompt.trim().split('\n', 1)[0] ?? '';
  return line.length > SHOWN ? `${line.slice(0, SHOWN - 1)}…` : line;
};
