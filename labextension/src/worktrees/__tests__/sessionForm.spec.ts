import { describe, expect, it } from 'vitest';
import type { AgentInfo } from '../../api/agents';
import type { OwnServer } from '../../api/own';
import { firstForm, hindrance, serversIn, wishOf, withAgent } from '../dialogs/sessionForm';

const agent = (kind: string, more: object = {}, capabilities: object = {}): AgentInfo =>
  ({
    kind, title: kind, installed: true, authenticated: true, hint: '', version: '', models: [], default_model: '',
    modes: ['ask', 'plan'], capabilities: { mcp: true, set_effort: true, notes: {}, ...capabilities }, ...more
  }) as unknown as AgentInfo;

const server = (name: string, more: object = {}): OwnServer =>
  ({ id: name, name, scope: 'user', repo_id: null, enabled: true, ...more }) as unknown as OwnServer;

describe('a new session', () => {
  const absent = agent('absent', { installed: false });
  const out = agent('out', { authenticated: false });

  it('begins with an agent that can be used', () => {
    expect(firstForm([absent, out, agent('one')], [], {}).agent).toBe('one');
    expect(firstForm([absent, out], [], {}).agent).toBe('absent');
    expect([absent, out, agent('one')].map(hindrance)).toEqual(['absent', 'logged-out', null]);
  });

  it('begins as the last one, as far as that is still there', () => {
    const last = { agent: 'two', mode: 'plan', model: 'big', effort: 'high', without: ['x'] } as const;
    expect(firstForm([agent('one'), agent('two')], [], last)).toMatchObject({ ...last, prompt: '' });
    expect(firstForm([agent('one')], [], last)).toMatchObject({ agent: 'one', mode: 'plan', model: '', effort: '' });
    expect(firstForm([agent('two', { modes: ['ask'] })], [], last).mode).toBe('ask');
  });

  it('leaves out servers that are off, and forgets a model with its agent', () => {
    const form = firstForm([agent('one')], [server('a'), server('b', { enabled: false })], {});
    expect(form.without).toEqual(['b']);
    expect(withAgent({ ...form, model: 'big' }, agent('two', { modes: ['plan'] }))).toEqual({
      agent: 'two', mode: 'plan', model: '', effort: ''
    });
  });

  it('sees the servers of its repository before those of everywhere', () => {
    const ours = server('a', { id: 'ours', scope: 'repo', repo_id: 'r1' });
    const found = serversIn([ours, server('a'), server('s', { scope: 'session' }), server('b')], 'r1');
    expect(found.map(each => each.id)).toEqual(['ours', 'b']);
    expect(serversIn([ours], 'r2')).toEqual([]);
  });

  it('asks for what was chosen and for nothing that the agent cannot take', () => {
    const form = { agent: 'one', mode: 'ask', model: ' big ', effort: 'high', without: ['b'], prompt: ' Go \n on ' } as const;
    const servers = [server('a'), server('b')];
    expect(wishOf(form, 'wt_1', agent('one'), servers)).toEqual({
      worktree_id: 'wt_1', agent: 'one', mode: 'ask', model: 'big', effort: 'high', mcp_servers: ['a'],
      prompt: 'Go \n on', title: 'Go '
    });
    const plain = wishOf({ ...form, model: '', prompt: '' }, 'wt_1', agent('one', {}, { mcp: false, set_effort: false }), servers);
    expect(plain).toEqual({ worktree_id: 'wt_1', agent: 'one', mode: 'ask' });
  });
});
