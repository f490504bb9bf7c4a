/** An agent by command line: filled in by name, added by an admin alone. */
import { render, screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { Store } from '../../model/store';
import type { AgentForm } from '../dialogs/namedAgent';
import { givenBy, withPreset } from '../dialogs/namedAgent';
import { AddAgent, NamedAgentButtons } from '../NamedAgents';
import type { AgentsModel } from '../view';
import { AgentsContext } from '../view';
import type { AgentInfo } from '../../schema/types';

const EMPTY: AgentForm = { preset: '', name: '', label: '', command: '', pairs: '', credentials: '' };
const GOOSE = { name: 'goose', label: 'Goose', command: ['goose', 'acp'], hint: 'h', source: 'https://x' };

function shown(may: boolean, named: AgentInfo['named']): void {
  const workspace = { me: new Store({}), may: (action: string, on: string) => may && action === 'admin' && on === 'agor:settings' };
  const agent = { kind: 'acp.mine', title: 'Mine', named } as unknown as AgentInfo;
  render(
    <AgentsContext.Provider value={{ workspace } as unknown as AgentsModel}>
      <AddAgent />
      <NamedAgentButtons agent={agent} />
    </AgentsContext.Provider>
  );
}

describe('agents by command line', () => {
  it('fills in what is documented, and nothing else', () => {
    const filled = withPreset({ ...EMPTY, pairs: 'A=b' }, GOOSE);
    expect(filled).toEqual({ ...EMPTY, preset: 'goose', name: 'goose', label: 'Goose', command: 'goose acp', pairs: 'A=b' });
    expect(withPreset(filled, undefined)).toEqual({ ...filled, preset: '' });
  });

  it('sends words, pairs and names', () => {
    const form = { ...EMPTY, name: 'mine', command: "run 'two words' --acp", pairs: 'A=b', credentials: 'ONE, TWO' };
    expect(givenBy(form)).toEqual({
      label: 'mine',
      command: ['run', 'two words', '--acp'],
      environment: { A: 'b' },
      credentials: ['ONE', 'TWO']
    });
  });

  it('is greyed with the reason for who is no admin', () => {
    shown(false, 'panel');
    expect(screen.getByTestId<HTMLButtonElement>('agor-add-agent').disabled).toBe(true);
    expect(screen.getByText(/Only an admin of this server/)).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Edit Mine' })).toBeNull();
  });

  it.each([['panel', true], ['setting', false], [null, false]] as const)('offers an admin changes of one of %s: %s', (named, offered) => {
    shown(true, named);
    expect(screen.getByTestId<HTMLButtonElement>('agor-add-agent').disabled).toBe(false);
    expect(screen.queryByRole('button', { name: 'Remove Mine' }) !== null).toBe(offered);
  });
});
