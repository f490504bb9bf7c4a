import { InputDialog } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { describe, expect, it, vi } from 'vitest';
import type { CommandId } from '../../domain/commandIds';
import { CommandIds } from '../../domain/commandIds';
import type { AgorApp } from '../../model/app';
import { Store } from '../../model/store';
import type { BoardHost } from '../../board/BoardHost';
import type { Session, Worktree } from '../../schema/types';
import { agentCommands } from '../agents';
import { boardCommands, makeId } from '../board';
import { panelCommands } from '../panels';
import { peopleCommands } from '../people';
import { forkCommands } from '../forks';
import { queueCommands } from '../queue';
import { recordCommands } from '../records';
import { scriptCommands } from '../scripts';
import { retryCommands } from '../retry';
import { sessionServerCommands } from '../sessionServers';
import { sessionCommands } from '../sessions';
import { trustCommands } from '../trust';
import type { CommandContext } from '../table';
import { register } from '../table';
import { worktreeCommands } from '../worktrees';

type Asked = readonly [method: string, path: string, body: unknown];

const session = (id: string, more: Partial<Session> = {}): Session =>
  ({
    id, worktree_id: 'wt_1', agent: 'demo', title: id, owner: 'ann', status: 'idle', mode: 'ask', model: 'one', effort: '',
    efforts: ['low', 'high'], queue: [], pending: [], queue_paused: '', current_task: null, last_stop_reason: null, archived: false, task_count: 1,
    updated_ms: 1, unable: [], native_ref: 'n', fork: null, origin: null, ...more
  }) as unknown as Session;

interface World {
  readonly context: CommandContext;
  readonly palette: string[];
  readonly asked: Asked[];
  readonly opened: (readonly [string, string])[];
  /** Select a card of the board; `front` says whether that board stands in front. */
  readonly select: (ids: readonly string[], front: boolean) => void;
}

function registered(may: boolean, sessions: readonly Session[] = [], agent: object = {}): World {
  const commands = new CommandRegistry();
  const asked: Asked[] = [];
  const opened: (readonly [string, string])[] = [];
  const ask = (method: string) => (path: string, body?: unknown) => {
    asked.push([method, path, body]);
    return Promise.resolve({ id: 'ses_1', title: 'x', path: '/x', lab_path: 'x' });
  };
  const selection = new Store<readonly string[]>([]);
  let inFront = false;
  const view = { selection, canWrite: may, doc: { id: 'board_1' } };
  const capabilities = { set_model: true, set_effort: false, steer: false, images: false, files: false, notes: {}, ...agent };
  const workspace = {
    may: () => may,
    me: new Store({ named_users: false, read_only: '', person: { id: 'ann', display_name: 'Ann' } }),
    agents: new Store([{ kind: 'demo', title: 'Demo', modes: ['ask', 'plan'], models: ['one', 'two'], capabilities }]),
    worktrees: new Store(new Map([['wt_1', { id: 'wt_1', name: 'w', lab_path: 'w' } as unknown as Worktree]])),
    sessions: new Store(new Map(sessions.map(each => [each.id, each]))),
    boards: new Store(new Map()),
    repos: new Store(new Map()),
    seen: { isUnseen: () => false },
    take: () => {},
    takeMe: (me: unknown) => opened.push(['me', JSON.stringify(me)])
  };
  const http = { get: ask('GET'), post: ask('POST'), patch: ask('PATCH'), delete: ask('DELETE'), list: () => Promise.resolve([]) };
  const context: CommandContext = {
    app: { workspace, http, current: new Store<string | null>(null) } as unknown as AgorApp,
    boards: {
      current: () => (selection.get().length === 0 ? null : view),
      inFront: () => (inFront ? view : null)
    } as unknown as BoardHost,
    commands,
    trans: nullTranslator.load('agor-jupyter')
  };
  const palette: string[] = [];
  const addItem = vi.fn(({ command }: { command: string }) => palette.push(command));
  const host = { open: (id: string, part = 'prompt') => void opened.push([id, part]) };
  register(context, { addItem } as never, [
    ...boardCommands(context),
    ...worktreeCommands(context),
    ...trustCommands({ ...context, contents: { get: vi.fn(), save: vi.fn() } }),
    ...sessionCommands(context),
    ...recordCommands(context),
    ...scriptCommands({ ...context, contents: { get: vi.fn(), save: vi.fn() } }),
    ...retryCommands(context),
    ...sessionServerCommands(context),
    ...forkCommands(context),
    ...queueCommands(context),
    ...peopleCommands(context),
    ...panelCommands({ ...context, sessions: host }),
    ...agentCommands({ ...context, agents: { open: () => void opened.push(['agents', '']) } })
  ]);
  const select = (ids: readonly string[], front: boolean): void => {
    selection.set(ids);
    inFront = front;
  };
  return { context, palette, asked, opened, select };
}

/** Commands that act on a session, and what one must be like for them. */
const ON_SESSIONS: readonly (readonly [CommandId, Partial<Session>])[] = [
  [CommandIds.promptSession, {}],
  [CommandIds.steerSession, { current_task: 'task_1', status: 'running' }],
  [CommandIds.interruptSession, { current_task: 'task_1', status: 'running' }],
  [CommandIds.resumeSession, { status: 'failed' }],
  [CommandIds.retryPrompt, { last_stop_reason: 'failed' }],
  [CommandIds.forkSession, {}],
  [CommandIds.changeAgent, {}],
  [CommandIds.answerPermission, { pending: ['req_1'], status: 'awaiting_permission' }],
  [CommandIds.renameSession, {}],
  [CommandIds.archiveSession, {}],
  [CommandIds.restartAgent, {}],
  [CommandIds.setMode, {}],
  [CommandIds.setModel, {}],
  [CommandIds.setEffort, {}],
  [CommandIds.editTask, { queue: ['task_2'] }],
  [CommandIds.moveTask, { queue: ['task_2'] }],
  [CommandIds.withdrawTask, { queue: ['task_2'] }],
  [CommandIds.openTranscript, {}],
  [CommandIds.rebuildTranscript, {}],
  [CommandIds.saveScript, {}],
  [CommandIds.attachFiles, {}]
];
/** What stays small in a title: articles, short prepositions and what belongs to a verb. */
const SMALL = new Set(['a', 'an', 'the', 'of', 'in', 'into', 'on', 'to', 'for', 'by', 'with', 'as', 'and', 'or']);
const ABLE = { steer: true, set_effort: true, files: true };

describe('commands', () => {
  // It stands with the plugin that owns what it shows.
  const elsewhere: string[] = [CommandIds.showPanel];
  const all = Object.values(CommandIds).filter(id => !elsewhere.includes(id));

  it.each(all)('%s is registered, describes itself and is in the palette', async id => {
    const { context, palette } = registered(true);
    expect(id).toMatch(/^agor:[a-z]+-[a-z]+$/);
    expect(context.commands.hasCommand(id)).toBe(true);
    expect(context.commands.label(id)).not.toBe('');
    expect((await context.commands.describedBy(id)).args).toMatchObject({ type: 'object' });
    expect(palette.filter(each => each === id)).toEqual([id]);
  });

  it.each(all)('%s has the capitals of JupyterLab’s menus', id => {
    const { commands } = registered(true).context;
    for (const label of [commands.label(id), commands.label(id, { brief: true })]) {
      const small = label.split(' ').filter(word => /^[a-z]/.test(word));
      expect(small.filter(word => !SMALL.has(word))).toEqual([]);
      expect(label).toMatch(/^[A-Z]/);
    }
  });

  it.each(ON_SESSIONS)('%s is offered where a session is in front that it fits, and only there', (id, fit) => {
    const { commands } = registered(true, [session('ses_1', fit)], ABLE).context;
    expect(commands.isEnabled(id)).toBe(false);
    const { context } = registered(true, [session('ses_1', fit)], ABLE);
    context.app.current.set('ses_1');
    expect(context.commands.isEnabled(id)).toBe(true);
    const viewers = registered(false, [session('ses_1', { ...fit, owner: 'bea' })], ABLE).context;
    viewers.app.current.set('ses_1');
    expect(viewers.commands.isEnabled(id)).toBe(id === CommandIds.openTranscript);
  });

  it.each([
    [CommandIds.steerSession, {}, ABLE],
    [CommandIds.steerSession, { current_task: 'task_1' }, {}],
    [CommandIds.interruptSession, {}, {}],
    [CommandIds.resumeSession, {}, {}],
    [CommandIds.retryPrompt, {}, {}],
    [CommandIds.retryPrompt, { last_stop_reason: 'cancelled' }, {}],
    [CommandIds.retryPrompt, { last_stop_reason: 'lost', current_task: 'task_1' }, {}],
    [CommandIds.forkSession, { task_count: 0 }, {}],
    [CommandIds.changeAgent, { current_task: 'task_1' }, {}],
    [CommandIds.saveScript, { task_count: 0 }, {}],
    [CommandIds.restartAgent, { owner: 'bea' }, {}],
    [CommandIds.restartAgent, { current_task: 'task_1' }, {}],
    [CommandIds.answerPermission, {}, {}],
    [CommandIds.setModel, {}, { set_model: false }],
    [CommandIds.setEffort, {}, {}],
    [CommandIds.setMode, { owner: 'bea' }, {}],
    [CommandIds.withdrawTask, {}, {}],
    [CommandIds.attachFiles, {}, {}]
  ] as const)('%s is not offered for %j of an agent that is %j', (id, like, agent) => {
    const { context } = registered(true, [session('ses_1', like)], agent);
    // An admin may change what others own: here nobody is one.
    Object.assign(context.app.workspace, { may: (action: string) => action !== 'admin' });
    context.app.current.set('ses_1');
    expect(context.commands.isEnabled(id)).toBe(false);
  });

  it('offers no files to an agent that takes pictures alone, and said that it does not', () => {
    const { context } = registered(true, [session('ses_1'), session('ses_2', { unable: ['images'] })], { images: true });
    const offered = (session_id: string): boolean => context.commands.isEnabled(CommandIds.attachFiles, { session_id });
    expect([offered('ses_1'), offered('ses_2')]).toEqual([true, false]);
  });

  it('forks where it is told, and opens the fork', async () => {
    const { context, asked, opened } = registered(true, [session('ses_1')]);
    context.app.current.set('ses_1');
    const args = { task_id: 'task_1', position: 'before', worktree: 'new', prompt: 'Go', label: 'Fork before this' };
    expect(context.commands.label(CommandIds.forkSession, args)).toBe('Fork before this');
    await context.commands.execute(CommandIds.forkSession, args);
    expect(asked.at(-1)).toEqual([
      'POST',
      'sessions/ses_1/forks',
      { at_task: 'task_1', position: 'before', worktree: 'new', prompt: 'Go' }
    ]);
    expect(opened.at(-1)?.[0]).toBe('ses_1');
    await context.commands.execute(CommandIds.forkSession, { worktree: 'same' });
    expect(asked.at(-1)?.[2]).toEqual({ position: 'after', worktree: 'same' });
  });

  it.each([
    [[], { fork: true }, 'Where does the fork work?'],
    [['fork'], { fork: true }, /given a transcript/],
    [[], { fork: false }, /given a transcript/]
  ])('asks where a fork works, and says of one that lacks %j and is %j that it is a replay', async (lacks, able, title) => {
    const { context } = registered(true, [session('ses_1', { unable: lacks })], able);
    context.app.current.set('ses_1');
    const ask = vi.spyOn(InputDialog, 'getItem').mockResolvedValue({ button: { accept: false }, value: null } as never);
    await context.commands.execute(CommandIds.forkSession, {});
    expect(ask.mock.lastCall?.[0].title).toMatch(title);
    ask.mockRestore();
  });

  it('goes on with another agent in the same worktree, and only with one that is ready', async () => {
    const { context, asked, opened } = registered(true, [session('ses_1')]);
    context.app.current.set('ses_1');
    await expect(context.commands.execute(CommandIds.changeAgent, {})).rejects.toThrow('No other agent');
    const found = (kind: string, more: object) => ({ kind, title: kind, installed: true, authenticated: null, ...more });
    context.app.workspace.agents.set([found('demo', {})] as never);
    await expect(context.commands.execute(CommandIds.changeAgent, {})).rejects.toThrow('No other agent');
    const agents = [found('other', {}), found('gone', { installed: false }), found('shut', { authenticated: false })];
    context.app.workspace.agents.set(agents as never);
    const offered = (agent: string): boolean => context.commands.isEnabled(CommandIds.changeAgent, { agent });
    expect(['other', 'gone', 'shut', 'nobody'].map(offered)).toEqual([true, false, false, false]);
    await context.commands.execute(CommandIds.changeAgent, { agent: 'other' });
    expect(asked.at(-1)).toEqual(['POST', 'sessions/ses_1/forks', { agent: 'other', worktree: 'same' }]);
    expect(opened.at(-1)?.[0]).toBe('ses_1');
  });

  it('acts on the card in front, else on the panel used last, else on a card elsewhere', async () => {
    const two = [session('ses_1', { worktree_id: 'wt_2' }), session('ses_2', { status: 'failed' }), session('ses_3')];
    const { context, asked, select } = registered(true, two);
    const stopped = async (): Promise<unknown> => {
      await context.commands.execute(CommandIds.interruptSession, {});
      return asked.at(-1)?.[1];
    };
    select(['wt_1'], false);
    expect(await stopped()).toBe('sessions/ses_2/interrupt'); // of a card's sessions, the most urgent one
    context.app.current.set('ses_1');
    expect(await stopped()).toBe('sessions/ses_1/interrupt');
    select(['wt_1'], true);
    expect(await stopped()).toBe('sessions/ses_2/interrupt');
    await context.commands.execute(CommandIds.interruptSession, { session_id: 'ses_9' });
    expect(asked.at(-1)?.[1]).toBe('sessions/ses_9/interrupt');
  });

  it.each([
    [CommandIds.setMode, { mode: 'plan' }, ['PATCH', 'sessions/ses_1', { mode: 'plan' }]],
    [CommandIds.setModel, { model: 'two' }, ['PATCH', 'sessions/ses_1', { model: 'two' }]],
    [CommandIds.setEffort, { effort: 'high' }, ['PATCH', 'sessions/ses_1', { effort: 'high' }]],
    [CommandIds.editTask, { task_id: 't', prompt: 'x' }, ['PATCH', 'tasks/t', { prompt: 'x' }]],
    [CommandIds.moveTask, { task_id: 't', place: 0 }, ['PATCH', 'tasks/t', { place: 0 }]],
    [CommandIds.withdrawTask, { task_id: 't' }, ['DELETE', 'tasks/t', undefined]],
    [CommandIds.rebuildTranscript, {}, ['POST', 'sessions/ses_1/transcript', undefined]],
    [CommandIds.steerSession, { prompt: 'x' }, ['POST', 'sessions/ses_1/steer', { prompt: 'x', attachments: [] }]],
    [CommandIds.promptSession, { prompt: 'x' }, ['POST', 'sessions/ses_1/tasks', { prompt: 'x', attachments: [] }]],
    [CommandIds.renameMe, { name: 'Bea' }, ['PATCH', 'me', { display_name: 'Bea' }]]
  ])('%s with %j asks the server', async (id, args, wanted) => {
    const { context, asked } = registered(true, [session('ses_1')]);
    context.app.current.set('ses_1');
    await context.commands.execute(id, args);
    expect(asked).toEqual([wanted]);
  });

  it('shows what is asked, with the keyboard, where no request is named', async () => {
    const { context, opened, asked } = registered(true, [session('ses_1', { pending: ['req_1'] })]);
    context.app.current.set('ses_1');
    await context.commands.execute(CommandIds.answerPermission, {});
    expect(opened).toEqual([['ses_1', 'ask']]);
    expect(asked).toEqual([]);
  });

  it('renames nobody who has a name from a login', () => {
    const { context } = registered(true);
    expect(context.commands.isEnabled(CommandIds.renameMe)).toBe(true);
    context.app.workspace.me.update(me => ({ ...me!, named_users: true }));
    expect(context.commands.isEnabled(CommandIds.renameMe)).toBe(false);
  });

  it('offers a viewer nothing that changes work', () => {
    const { commands } = registered(false).context;
    for (const id of [CommandIds.addRepo, CommandIds.createWorktree, CommandIds.createSession]) {
      expect(commands.isEnabled(id)).toBe(false);
    }
    expect(commands.isEnabled(CommandIds.answerPermission, { request_id: 'req_1' })).toBe(false);
  });

  it('refuses what has nothing to act on, and says so to the caller', async () => {
    const { commands } = registered(true).context;
    await expect(commands.execute(CommandIds.interruptSession, {})).rejects.toThrow('session_id');
    await expect(commands.execute(CommandIds.openWorktree, {})).rejects.toThrow('worktree_id');
  });

  it('opens the oldest board for one that this server does not have, and none where there is none', async () => {
    const opened: string[] = [];
    const boards = new Map<string, object>();
    const { context } = registered(true);
    Object.assign(context.app.workspace, { boards: { get: () => boards } });
    Object.assign(context.boards, { open: (id: string) => opened.push(id) });
    await context.commands.execute(CommandIds.openBoard, { board_id: 'board_gone' });
    expect(opened).toEqual([]);
    boards.set('board_new', { id: 'board_new', created_ms: 2 }).set('board_old', { id: 'board_old', created_ms: 1 });
    await context.commands.execute(CommandIds.openBoard, { board_id: 'board_gone' });
    await context.commands.execute(CommandIds.openBoard, { board_id: 'board_new' });
    expect(opened).toEqual(['board_old', 'board_new']);
  });

  it('makes ids of the house’s form, never the same', () => {
    const ids = new Set(Array.from({ length: 100 }, () => makeId('zone')));
    expect(ids.size).toBe(100);
    expect([...ids][0]).toMatch(/^zone_[0-9a-z]{16}$/);
  });
});
