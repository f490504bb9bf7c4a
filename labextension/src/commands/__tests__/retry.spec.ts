/** A failed task's prompt is sent once more: whole, once, and before what waits. */
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { describe, expect, it } from 'vitest';
import { CommandIds } from '../../domain/commandIds';
import { Store } from '../../model/store';
import { retryCommands } from '../retry';
import type { CommandContext } from '../table';
import { register } from '../table';

type Asked = readonly [string, string, unknown, unknown?];

const FILE = { name: 'a.txt', media_type: 'text/plain', data: 'words' };

const task = (id: string, more: object = {}): object => ({
  id, session_id: 'ses_1', prompt: `say ${id}`, status: 'ended', stop_reason: 'failed', attached: [], queued_ms: 1, ended_ms: 1, ...more
});

function made(tasks: readonly object[]): { run: () => Promise<unknown>; asked: Asked[]; read: object[] } {
  const asked: Asked[] = [];
  const read: object[] = [];
  const http = {
    list: () => Promise.resolve(tasks),
    get: (path: string, query: object) => {
      read.push({ path, ...query });
      const update = { type: 'task_queued', prompt: 'as it was first', attachments: [FILE] };
      return Promise.resolve({ items: [{ update }], next: null });
    },
    post: (path: string, body: unknown, key: unknown) => {
      asked.push(['POST', path, body, key]);
      return Promise.resolve(task('t9'));
    },
    patch: (path: string, body: unknown) => {
      asked.push(['PATCH', path, body]);
      return Promise.resolve({});
    }
  };
  const commands = new CommandRegistry();
  const workspace = { sessions: new Store(new Map()), worktrees: new Store(new Map()), may: () => true };
  const context = {
    app: { http, workspace, current: new Store('ses_1') },
    boards: { current: () => null, inFront: () => null },
    commands,
    trans: nullTranslator.load('')
  } as unknown as CommandContext;
  register(context, null, retryCommands(context));
  return { run: () => commands.execute(CommandIds.retryPrompt, { session_id: 'ses_1' }), asked, read };
}

describe('try again', () => {
  it('sends the words of the task that ended last, under a key that two clicks share', async () => {
    const { run, asked, read } = made([task('t2', { ended_ms: 9 }), task('t1', { ended_ms: 5, stop_reason: 'end_turn' })]);
    await run();
    await run();
    expect(asked[0]).toEqual(['POST', 'sessions/ses_1/tasks', { prompt: 'say t2', attachments: [] }, 'retry-t2-2']);
    expect(asked).toEqual([asked[0], asked[0]]);
    expect(read).toEqual([]);
  });

  it('sends it anew after it was taken back', async () => {
    const { run, asked } = made([task('t1'), task('t2', { status: 'removed', stop_reason: null })]);
    await run();
    expect(asked[0]?.[3]).toBe('retry-t1-2');
  });

  it('takes the files from the log, and the words as they were edited', async () => {
    const { run, asked, read } = made([task('t1', { attached: ['a.txt'], stop_reason: 'lost' })]);
    await run();
    expect(read).toEqual([{ path: 'sessions/ses_1/events', task_id: 't1', limit: 1 }]);
    expect(asked[0]?.[2]).toEqual({ prompt: 'say t1', attachments: [FILE] });
  });

  it('puts it before what waits', async () => {
    const { run, asked } = made([task('t1'), task('t2', { status: 'queued', stop_reason: null, ended_ms: null })]);
    await run();
    expect(asked.at(-1)).toEqual(['PATCH', 'tasks/t9', { place: 0 }]);
  });

  it('sends nothing where the last task did not fail', async () => {
    const { run, asked } = made([task('t1', { ended_ms: 1 }), task('t2', { ended_ms: 2, stop_reason: 'cancelled' })]);
    await expect(run()).rejects.toThrow('did not fail');
    expect(asked).toEqual([]);
  });
});
