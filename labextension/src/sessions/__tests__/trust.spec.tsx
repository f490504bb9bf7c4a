/** What a session's header says of the project's instructions. */
import { CommandRegistry } from '@lumino/commands';
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import type { Http } from '../../api/http';
import { CommandIds } from '../../domain/commandIds';
import { Store } from '../../model/store';
import { isHeldBack, TrustStore } from '../../model/trust';
import type { RepoTrust, Session } from '../../schema/types';
import { Trust } from '../Trust';
import type { SessionView } from '../view';
import { SessionContext } from '../view';

const item = (path: string, active = true) => ({ path, effect: 'It is read.', runs: false, active, places: [], lab_paths: [] });
const told = (state: RepoTrust['state'], ...items: RepoTrust['items']): RepoTrust =>
  ({ repo_id: 'repo_1', state, by_setting: false, trusted_by: null, trusted_ms: null, items, digest: 'd', complete: true });

/** Draw it for a session, with what the server says of its repository; `asked` are the ids that it looked up. */
function shown(session: Partial<Session>, trust: RepoTrust, able = true): { asked: string[]; ran: unknown[] } {
  const [asked, ran]: [string[], unknown[]] = [[], []];
  const http = { get: (path: string) => (asked.push(path), Promise.resolve(trust)) } as unknown as Http;
  const commands = new CommandRegistry();
  commands.addCommand(CommandIds.trustRepo, { execute: args => void ran.push(args) });
  const record = { id: 's', agent: 'reader', worktree_id: 'wt_1', trusted: null, instructions: [], ...session };
  const view = {
    store: Object.assign(new Store({ session: record, tasks: [], problem: null }), { id: 's' }),
    workspace: {
      trust: new TrustStore(http),
      worktrees: new Store(new Map([['wt_1', { id: 'wt_1', repo_id: 'repo_1' }]])),
      repos: new Store(new Map([['repo_1', { id: 'repo_1', trusted_ms: null }]])),
      agents: new Store([{ kind: 'reader', capabilities: { instructions: able } }])
    },
    commands
  } as unknown as SessionView;
  render(
    <SessionContext.Provider value={view}>
      <Trust session={record as unknown as Session} />
    </SessionContext.Provider>
  );
  return { asked, ran };
}

const settled = (asked: string[]): Promise<void> => waitFor(() => expect(asked).toEqual(['repos/repo_1/trust']));

describe('Trust', () => {
  it('names the files that the agent started with', () => {
    shown({ trusted: true, instructions: ['/w/CLAUDE.md', '/w/.claude/CLAUDE.md', '/w/AGENTS.md'] }, told('trusted'));
    expect(screen.getByTestId('agor-instructions').textContent).toBe('CLAUDE.md, AGENTS.md');
    expect(screen.getByTestId('agor-instructions').title).toContain('/w/.claude/CLAUDE.md');
  });

  it('says that something is held back, and opens the list', async () => {
    const { ran } = shown({ trusted: false }, told('untrusted', item('CLAUDE.md')));
    const button = await screen.findByTestId('agor-not-trusted');
    expect(button.textContent).toBe('Not trusted');
    fireEvent.click(button);
    await waitFor(() => expect(ran).toEqual([{ session_id: 's', repo_id: 'repo_1' }]));
  });

  it('says what a running agent has not read yet', async () => {
    shown({ trusted: false }, told('trusted', item('CLAUDE.md')));
    expect((await screen.findByTestId('agor-not-trusted')).textContent).toBe('Trusted from the next start');
  });

  it.each([
    ['nothing is held back', { trusted: false }, told('untrusted', item('.mcp.json', false)), true],
    ['nobody started it yet', { trusted: null }, told('untrusted', item('CLAUDE.md')), true],
    ['it reads no instructions at all', { trusted: false }, told('untrusted', item('CLAUDE.md')), false]
  ])('is silent where %s', async (_, session, trust, able) => {
    const { asked } = shown(session, trust, able);
    await settled(asked);
    expect(screen.queryByTestId('agor-not-trusted')).toBeNull();
    expect(screen.queryByTestId('agor-instructions')).toBeNull();
  });

  it('is held back only where it is not trusted and something would be switched on', () => {
    expect([undefined, told('untrusted'), told('trusted', item('x')), told('changed', item('x'))].map(isHeldBack)).toEqual([
      false, false, false, true
    ]);
  });
});
