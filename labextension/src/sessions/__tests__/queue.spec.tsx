/** The queue says why it stands still: what a person must do, or what it waits for by itself. */
import { CommandRegistry } from '@lumino/commands';
import { render, screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { Store } from '../../model/store';
import { Queue } from '../Queue';
import type { SessionView } from '../view';
import { SessionContext } from '../view';

function show(record: object): void {
  const session = { id: 's', queue: ['task_1'], queue_paused: '', waits: null, ...record };
  const task = { id: 'task_1', prompt: 'mend it', status: 'queued' };
  const view = {
    store: Object.assign(new Store({ session, tasks: [{ task, content: null }], problem: null }), { id: 's' }),
    commands: new CommandRegistry()
  } as unknown as SessionView;
  render(
    <SessionContext.Provider value={view}>
      <Queue />
    </SessionContext.Provider>
  );
}

const WAITS = { reason: '20 sessions run already', since_ms: 1 };

describe('Queue', () => {
  it('says what it waits for, and asks for nothing', () => {
    show({ waits: WAITS });
    expect(screen.getByTestId('agor-waits').textContent).toBe('Waits: 20 sessions run already. It starts by itself.');
    expect(screen.queryByTestId('agor-resume')).toBeNull();
  });

  it('says what paused it, with the next step, and nothing else', () => {
    show({ waits: WAITS, queue_paused: 'The task was stopped.' });
    expect(screen.getByTestId('agor-resume').textContent).toBe('Go on');
    expect(screen.queryByTestId('agor-waits')).toBeNull();
  });

  it('says nothing while it goes on', () => {
    show({});
    expect(screen.getByTestId('agor-queued').textContent).toContain('mend it');
    expect(screen.queryByTestId('agor-waits')).toBeNull();
  });
});
