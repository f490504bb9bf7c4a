/** What the list of a session's tool servers says, for its owner and for others. */
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import type { Http } from '../../api/http';
import type { SessionServer, SessionServers } from '../../api/own';
import { SessionServersStore } from '../../model/sessionServers';
import { Store } from '../../model/store';
import type { Workspace } from '../../model/workspace';
import { ServersOfSession } from '../dialogs/sessionServers';

const item = (name: string, more: Partial<SessionServer> = {}): SessionServer => ({
  name, scope: 'user', enabled: true, switched: false, running: false, trouble: '',
  server: { transport: 'stdio', command: ['tools', '--deep'], url: '' } as unknown as SessionServer['server'], ...more
});
const told = (more: Partial<SessionServers> = {}): SessionServers => ({
  session_id: 'ses_1', owner: 'ann', mine: true, takes: true, note: '', agent: 'none', items: [], ...more
});

interface Shown {
  readonly asked: (readonly [string, string, unknown])[];
  readonly sessions: Store<ReadonlyMap<string, unknown>>;
  readonly store: SessionServersStore;
  /** What was asked of commands. */
  readonly acts: unknown[][];
}

/** Draw it; the answers are given in turn, the last one for ever. */
async function shown(...answers: (SessionServers | Error)[]): Promise<Shown> {
  const asked: (readonly [string, string, unknown])[] = [];
  const next = (): Promise<unknown> => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const http = {
    get: (path: string) => (asked.push(['GET', path, null]), next()),
    patch: (path: string, body: unknown) => (asked.push(['PATCH', path, body]), next()),
    post: (path: string) => (asked.push(['POST', path, null]), Promise.resolve({}))
  } as unknown as Http;
  const sessions = new Store<ReadonlyMap<string, unknown>>(new Map([['ses_1', { status: 'idle' }]]));
  const store = await SessionServersStore.open(http, { sessions } as unknown as Workspace, 'ses_1');
  const acts: unknown[][] = [];
  render(<ServersOfSession store={store} act={(...step) => acts.push(step)} />);
  return { asked, sessions, store, acts };
}

const row = (name: string): HTMLElement => {
  const found = screen.getAllByTestId('agor-session-server-row').find(each => each.dataset['agorName'] === name);
  if (found === undefined) {
    throw new Error(`no row ${name}`);
  }
  return found;
};

describe('ServersOfSession', () => {
  it('says where each comes from and what the running agent told of it', async () => {
    const items = [
      item('wide', { running: true }),
      item('near', { scope: 'repo', running: true, trouble: 'It could not be reached.' }),
      item('new', { scope: 'session' }),
      item('late', { enabled: false, running: true })
    ];
    await shown(told({ agent: 'idle', items }));
    expect(row('wide').textContent).toContain('everywhere');
    expect(row('wide').textContent).toContain('in use');
    expect(row('near').textContent).toContain('the repository');
    expect(row('near').textContent).toContain('✕ It could not be reached.');
    expect(row('new').textContent).toContain('this session');
    expect(row('new').textContent).toContain('from the agent’s next start');
    expect(row('late').textContent).toContain('in use until the agent’s next start');
  });

  it('switches one for this session', async () => {
    const { asked } = await shown(told({ items: [item('wide')] }), told({ items: [item('wide', { enabled: false })] }));
    fireEvent.click(screen.getByRole('checkbox', { name: 'wide is on for this session' }));
    await waitFor(() => expect(screen.getByRole<HTMLInputElement>('checkbox').checked).toBe(false));
    expect(asked.at(-1)).toEqual(['PATCH', 'sessions/ses_1/mcp-servers', { name: 'wide', enabled: false }]);
  });

  it('edits and removes what was added for this session, and nothing else', async () => {
    const server = { id: 'mcp_1', transport: 'stdio', command: ['tools'], url: '' } as unknown as SessionServer['server'];
    const { acts } = await shown(told({ items: [item('wide'), item('own', { scope: 'session', server })] }));
    expect(screen.queryByRole('button', { name: 'Remove wide' })).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'Edit own' }));
    fireEvent.click(screen.getByRole('button', { name: 'Remove own' }));
    expect(acts).toEqual([['agor:edit-server', 'mcp_1'], ['agor:remove-server', 'mcp_1']]);
  });

  it('offers a restart to an agent without a task only, and says what comes next', async () => {
    const working = told({ agent: 'working', items: [item('wide')] });
    const { sessions, asked } = await shown(working, told({ agent: 'idle', items: [item('wide')] }), told());
    const restart = (): HTMLButtonElement => screen.getByTestId('agor-restart-agent');
    expect(restart().disabled).toBe(true);
    sessions.set(new Map([['ses_1', { status: 'running' }]]));
    await waitFor(() => expect(restart().disabled).toBe(false));
    fireEvent.click(restart());
    await waitFor(() => expect(screen.getByRole('status').textContent).toContain('Your next prompt starts it anew'));
    expect(asked).toContainEqual(['POST', 'sessions/ses_1/close-agent', null]);
  });

  it('shows others names, and switches nothing for them', async () => {
    await shown(told({ mine: false, agent: 'idle', items: [item('wide', { server: null })] }));
    expect(screen.getByRole<HTMLInputElement>('checkbox').disabled).toBe(true);
    expect(screen.queryByTestId('agor-restart-agent')).toBeNull();
    expect(screen.getByTestId('agor-session-servers').textContent).toContain('only their owner sees what they are');
  });

  it('says why an agent takes none, and what a refusal said', async () => {
    const { store } = await shown(
      told({ takes: false, note: 'It has no MCP.', items: [item('wide')] }),
      Object.assign(new Error('no'), { detail: 'It is gone.', hint: 'Add it.' })
    );
    expect(screen.getByText('It has no MCP.')).toBeTruthy();
    expect(screen.getByRole<HTMLInputElement>('checkbox').disabled).toBe(true);
    await store.turn('wide', false);
    await waitFor(() => expect(screen.getByRole('alert').textContent).toContain('It is gone.'));
  });
});
