/** The foot of the panel: what went wrong, and the next step as a button. */
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, describe, expect, it } from 'vitest';
import { CommandIds } from '../../domain/commandIds';
import { Store } from '../../model/store';
import { TransContext } from '../../ui/trans';
import { Trouble } from '../SessionPanel';
import type { SessionView } from '../view';
import { SessionContext } from '../view';

function shown(authenticated: boolean | null, more: object = {}, may = true): unknown[] {
  const told: unknown[] = [];
  const commands = new CommandRegistry();
  commands.addCommand(CommandIds.showAgents, { execute: () => void told.push(CommandIds.showAgents) });
  commands.addCommand(CommandIds.retryPrompt, { execute: args => void told.push(args) });
  const session = {
    id: 's', agent: 'demo', status: 'failed', error: 'There is no key.', hint: 'Set one.', queue: [], queue_paused: '', current_task: null,
    last_stop_reason: 'failed', ...more
  };
  const view = {
    store: Object.assign(new Store({ session, tasks: [], problem: null }), { id: 's' }),
    workspace: { agents: new Store([{ kind: 'demo', authenticated }]), me: new Store(null), may: () => may },
    commands
  } as unknown as SessionView;
  render(
    <TransContext.Provider value={nullTranslator.load('')}>
      <SessionContext.Provider value={view}>
        <Trouble />
      </SessionContext.Provider>
    </TransContext.Provider>
  );
  return told;
}

describe('Trouble', () => {
  afterEach(cleanup);

  it('leads to the keys where the agent is not logged in', () => {
    const told = shown(false);
    fireEvent.click(screen.getByTestId('agor-trouble-keys'));
    expect(told).toEqual([CommandIds.showAgents]);
  });

  it.each([true, null])('does not where login is not what is wrong (%s)', authenticated => {
    shown(authenticated);
    expect(screen.getByRole('alert').textContent).toContain('There is no key. Set one.');
    expect(screen.queryByTestId('agor-trouble-keys')).toBeNull();
  });

  it('offers to send the failed prompt again', () => {
    const told = shown(true);
    fireEvent.click(screen.getByTestId('agor-retry'));
    expect(told).toEqual([{ session_id: 's' }]);
  });

  it.each([
    [{ last_stop_reason: null }, true], // what went wrong stands before any task: its prompt still waits
    [{ last_stop_reason: 'cancelled' }, true],
    [{}, false]
  ])('does not with %j of somebody who may run agents: %j', (more, may) => {
    shown(true, more, may);
    expect(screen.getByTestId('agor-trouble')).toBeTruthy();
    expect(screen.queryByTestId('agor-retry')).toBeNull();
  });
});
