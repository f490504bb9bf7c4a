/** The menu at a task's end says which forks begin with a transcript. */
import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';
import { Store } from '../../model/store';
import { forkChoices } from '../taskMenu';
import type { SessionView } from '../view';

const trans = nullTranslator.load('agor-jupyter');
const task = (id: string, started_ms: number | null, status = 'ended'): object => ({ task: { id, started_ms, status } });
// As they were queued: the second was moved before the first.
const TASKS = [task('late', 20), task('early', 10), task('queued', null, 'queued')];

/** Say of each choice whether it is marked: after, a new worktree; after, the same; before. */
function replayed(record: object, able: object, taskId = 'late', me = 'ann'): boolean[] {
  const session = {
    agent: 'demo', owner: 'ann', unable: [], native_ref: 'n', fork: null, origin: null, current_task: null, ...record
  };
  const view = {
    store: new Store({ session, tasks: TASKS, problem: null }),
    workspace: {
      me: new Store({ person: { id: me } }),
      agents: new Store([{ kind: 'demo', capabilities: { notes: {}, ...able } }])
    }
  } as unknown as SessionView;
  return forkChoices(view, taskId, trans).map(choice => choice.label.endsWith(' (replayed)'));
}

const ANYWHERE = { fork: true, fork_at_message: true };
const WHOLE = { fork: true, fork_at_message: false };

describe('the fork menu', () => {
  it.each([
    ['an agent that forks anywhere', {}, ANYWHERE, 'late', [false, false, false]],
    ['one that forks only whole, at the end', {}, WHOLE, 'late', [false, false, true]],
    ['one that forks only whole, before the end', {}, WHOLE, 'early', [true, true, false]],
    ['one that forks only whole and is at work', { current_task: 't' }, WHOLE, 'late', [true, true, true]],
    ['one that never told what it is', { native_ref: '' }, WHOLE, 'late', [true, true, true]],
    ['one whose kind cannot', {}, { fork: false }, 'late', [true, true, true]],
    ['one that said that it cannot', { unable: ['fork'] }, WHOLE, 'late', [true, true, true]],
    ['one that said that it cannot, before all', { unable: ['fork'] }, WHOLE, 'early', [true, true, false]],
    ['one that lacks something else', { unable: ['images'] }, WHOLE, 'late', [false, false, true]],
    ['a replay, before all', { origin: { replayed: true } }, ANYWHERE, 'early', [false, false, true]],
    ['a fork, before all', { fork: {} }, ANYWHERE, 'early', [false, false, false]]
  ])('marks what is replayed of %s', (_, record, able, taskId, marked) => {
    expect(replayed(record, able, taskId)).toEqual(marked);
  });

  it('marks what is told another person', () => {
    expect(replayed({}, ANYWHERE, 'late', 'mona')).toEqual([true, true, true]);
  });
});
