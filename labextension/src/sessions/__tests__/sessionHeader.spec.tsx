/** The header: whose session it is, which agent, and what can be switched from there. */
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, describe, expect, it } from 'vitest';
import type { AgentInfo } from '../../api/agents';
import { isReady } from '../../domain/abilities';
import { CommandIds } from '../../domain/commandIds';
import { Store } from '../../model/store';
import { wordsFor } from '../agentMenu';
import { SessionHeader } from '../SessionHeader';
import type { SessionView } from '../view';
import { SessionContext } from '../view';

const agent = (kind: string, more: object = {}): AgentInfo =>
  ({
    kind, title: kind.toUpperCase(), installed: true, authenticated: null, hint: '', modes: ['ask', 'plan'], models: ['one', 'two'], model_labels: {}, efforts: ['low', 'high'],
    capabilities: { set_model: true, set_effort: true, notes: {} }, ...more
  }) as unknown as AgentInfo;

const AGENTS = [
  agent('demo'),
  agent('absent', { installed: false, hint: 'Install it.' }),
  agent('shut', { authenticated: false, hint: 'Set a key.' }),
  agent('other')
];

interface Shown {
  readonly told: unknown[];
}

function shown(record: object = {}, agents = AGENTS, may = true): Shown {
  const told: unknown[] = [];
  const commands = new CommandRegistry();
  for (const id of [CommandIds.changeAgent, CommandIds.setMode, CommandIds.setModel, CommandIds.setEffort, CommandIds.openBoard]) {
    commands.addCommand(id, {
      label: args => (typeof args['label'] === 'string' ? args['label'] : id),
      isEnabled: args => id !== CommandIds.changeAgent || agents.some(each => each.kind === args['agent'] && isReady(each)),
      execute: args => void told.push([id, args])
    });
  }
  const session = {
    id: 's', worktree_id: 'wt', agent: 'demo', title: 'T', owner: 'mona', owner_name: 'Mona Moon', status: 'idle', mode: 'ask',
    native_ref: '', models: [], model_labels: {}, commands: [], model: 'one', effort: 'low', efforts: ['low', 'high'], current_task: null, parent_id: null, genealogy: null, trusted: null,
    usage: { input_tokens: 0, output_tokens: 0, cost_usd: null }, context_used: 50, context_size: 200, instructions: [], ...record
  };
  const view = {
    store: Object.assign(new Store({ session, tasks: [], problem: null }), { id: 's' }),
    workspace: {
      me: new Store({ person: { id: 'mona' } }),
      agents: new Store(agents),
      sessions: new Store(new Map()),
      repos: new Store(new Map()),
      worktrees: new Store(new Map([['wt', { id: 'wt', repo_id: 'r', board_id: 'b', name: 'w', branch: 'w' }]])),
      connection: new Store('live'),
      trust: new Store(new Map()),
      may: () => may
    },
    commands
  } as unknown as SessionView;
  render(
    <SessionContext.Provider value={view}>
      <SessionHeader />
    </SessionContext.Provider>
  );
  return { told };
}

const menuItems = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('.jp-AgorAgentMenu .lm-Menu-item')];

afterEach(() => {
  cleanup();
  document.querySelectorAll('.lm-Menu').forEach(each => each.remove());
});

describe('SessionHeader', () => {
  it('says whose login the session works with', () => {
    shown();
    const owner = screen.getByTestId('agor-owner');
    expect(owner.title).toContain('their login');
    expect(owner.textContent).toContain('Owner: Mona Moon.');
    expect(screen.getByRole('meter', { name: 'Context' }).getAttribute('value')).toBe('25');
  });

  it('falls back to the id of an owner without a name', () => {
    shown({ owner_name: '' });
    expect(screen.getByTestId('agor-owner').title).toContain('Owner: mona.');
  });

  it.each([
    ['Session mode', 'plan', CommandIds.setMode, { mode: 'plan' }],
    ['Session model', 'two', CommandIds.setModel, { model: 'two' }],
    ['Session effort', 'high', CommandIds.setEffort, { effort: 'high' }]
  ])('switches in place: %s', (name, value, command, args) => {
    const { told } = shown();
    fireEvent.change(screen.getByRole('combobox', { name }), { target: { value } });
    expect(told).toEqual([[command, { session_id: 's', ...args }]]);
  });

  it('leads to the card of its worktree', () => {
    const { told } = shown();
    fireEvent.click(screen.getByRole('button', { name: 'w' }));
    expect(told).toEqual([[CommandIds.openBoard, { session_id: 's', board_id: 'b', focus: 'wt' }]]);
  });

  it('offers the other agents, those that are not ready last, greyed and with their hint', () => {
    const { told } = shown();
    const button = screen.getByRole('button', { name: /^Agent: DEMO\./ });
    expect(button.getAttribute('aria-haspopup')).toBe('menu');
    fireEvent.click(button);
    const items = menuItems();
    expect(items.map(each => each.textContent)).toEqual([
      'Go on with OTHER',
      'ABSENT: not installed. Install it.',
      'SHUT: not logged in. Set a key.'
    ]);
    expect(items.map(each => each.getAttribute('aria-disabled') ?? String(each.classList.contains('lm-mod-disabled')))).toEqual([
      'false', 'true', 'true'
    ]);
    expect(document.querySelector('.jp-AgorAgentMenu [role="menu"]')?.getAttribute('aria-label')).toBe('Go on with another agent');
    expect(told).toEqual([]);
  });

  it.each([
    ['there is no other', {}, AGENTS.slice(0, 1), true],
    ['its turn runs', { current_task: 'task_1' }, AGENTS, true],
    ['one may only look', {}, AGENTS, false]
  ] as const)('does not offer another agent where %s', (_, record, agents, may) => {
    shown(record, [...agents], may);
    expect(screen.getByTestId<HTMLButtonElement>('agor-agent').disabled).toBe(true);
  });

  it.each([
    ['a fork', { parent_id: 'p', genealogy: 'fork' }, true],
    ['one that another session began', { parent_id: 'p', genealogy: 'spawn' }, false],
    ['one of its own', {}, false]
  ])('leads to the origin of %s', (_, record, leads) => {
    shown(record);
    expect(screen.queryByTestId('agor-origin') !== null).toBe(leads);
  });

  it('names an agent that says no more of itself', () => {
    const trans = nullTranslator.load('agor-jupyter');
    expect(wordsFor(agent('x', { installed: false }), trans)).toBe('X: not installed');
    expect(wordsFor(agent('x', { installed: false, hint: 'Run `x`.' }), trans)).toBe('X: not installed. Run x.');
  });
});
