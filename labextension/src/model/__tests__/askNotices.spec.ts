/** Notifications of what is asked: whom, how many, and when they go. */
import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { describe, expect, it, vi } from 'vitest';
import type { EventStream, InboxNews } from '../../api/eventStream';
import type { PermissionRequest, Session, SessionEvent } from '../../schema/types';
import { AskedOfMe } from '../askedOfMe';
import type { NoticePorts, NoticeSettings } from '../askNotices';
import { AskNotices } from '../askNotices';
import type { WaitingById } from '../inbox';
import { applyNews, Inbox } from '../inbox';
import { Store } from '../store';

const asks = (id: string, session = 'mine', at = 1, given: Partial<PermissionRequest> = {}): SessionEvent => ({
  seq: at,
  session_id: session,
  task_id: null,
  at_ms: at,
  update: {
    type: 'permission_request',
    request_id: id,
    tool_call_id: null,
    title: `Run ${id}`,
    description: '',
    kind: 'execute',
    input: {},
    locations: [],
    content: [],
    options: [
      { option_id: 'once', name: 'Allow once', kind: 'allow_once' },
      { option_id: 'no', name: 'Reject', kind: 'reject_once' }
    ],
    questions: [],
    digest: `digest of ${id}`,
    ...given
  }
});
const answered = (id: string): SessionEvent => ({
  seq: 9,
  session_id: 'mine',
  task_id: null,
  at_ms: 9,
  update: {
    type: 'permission_resolved', request_id: id, outcome: 'selected', option_id: 'once', by: 'bob', by_name: 'Bob', message: '', answers: {}
  }
});
const news = (...events: SessionEvent[]): InboxNews => ({ events, whole: false });
const session = (id: string, owner: string, task_count = 1): Session =>
  ({ id, owner, title: `The ${id}`, archived: false, task_count }) as unknown as Session;

interface Toast {
  readonly quiet: boolean;
  readonly text: string;
  readonly steps: readonly { readonly label: string; readonly callback: () => void }[];
  readonly gone: () => void;
  said: string;
  closed: boolean;
}

function world(given: Partial<NoticePorts> = {}) {
  const inbox = new Store<WaitingById>(new Map());
  const tell = (events: InboxNews, old = false): void => inbox.update(known => applyNews(known, events, old));
  const toasts: Toast[] = [];
  const inView = new Store<readonly string[]>([]);
  const settings = new Store<NoticeSettings>({ enabled: true, system: false });
  let may = true;
  const tasksOf = vi.fn((id: string) => Promise.resolve([{ by: id === 'prompted' ? 'ann' : 'bob' }]));
  const workspace = {
    me: new Store({ person: { id: 'ann' } }),
    sessions: new Store(
      new Map(
        [session('mine', 'ann'), session('prompted', 'bob'), session('bobs', 'bob')].map(each => [each.id, each])
      )
    ),
    may: () => may
  };
  const asked = new AskedOfMe({ inbox, workspace: workspace as never, tasksOf });
  const ports: NoticePorts = {
    inbox,
    asked,
    inView,
    settings,
    titleOf: id => `The ${id}`,
    trans: nullTranslator.load('test'),
    offer: ({ text, steps, quiet }, gone) => {
      const toast: Toast = { text, steps, quiet, gone, said: text, closed: false };
      toasts.push(toast);
      return { say: words => void (toast.said = words), close: () => void (toast.closed = true) };
    },
    systemNotice: vi.fn(() => () => {}),
    hidden: () => false,
    answer: vi.fn(() => Promise.resolve('done' as const)),
    open: vi.fn(),
    showAll: vi.fn(),
    ...given
  };
  const notices = new AskNotices(ports);
  /** Take a step as JupyterLab does: the act first, then the notification goes. */
  const press = (toast: Toast | undefined, label: string): void => {
    toast?.steps.find(each => each.label === label)?.callback();
    toast?.gone();
  };
  const open = (): string[] => toasts.filter(each => !each.closed).map(each => each.said);
  return { inbox, tell, toasts, open, inView, settings, workspace, asked, ports, press, notices, tasksOf, forbid: () => { may = false; } };
}
const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve));

describe('applyNews', () => {
  const ids = (known: WaitingById): string[] => [...known.keys()];

  it('adds, takes away, and begins anew with the whole', () => {
    let known = applyNews(new Map(), { events: [asks('a'), asks('b')], whole: true });
    expect(ids(known)).toEqual(['a', 'b']);
    known = applyNews(known, news(answered('a'), asks('c')));
    expect(ids(known)).toEqual(['b', 'c']);
    expect(ids(applyNews(known, { events: [asks('c')], whole: true }))).toEqual(['c']);
    expect(ids(applyNews(known, { events: [], whole: true }))).toEqual([]);
  });

  it('changes nothing when it is told again', () => {
    const known = applyNews(new Map(), news(asks('a')));
    expect(applyNews(known, news(asks('a')))).toBe(known);
    expect(applyNews(known, { events: [asks('a')], whole: true })).toBe(known);
    expect(applyNews(known, news(answered('z')))).toBe(known);
  });
});

describe('Inbox', () => {
  it('calls old what the first whole brings, and nothing after it', () => {
    const told = new Signal<object, InboxNews>({});
    const watchInbox = vi.fn();
    const inbox = new Inbox({ inbox: told, watchInbox } as unknown as EventStream);
    expect(watchInbox).toHaveBeenCalledTimes(1);
    told.emit({ events: [asks('a')], whole: true });
    told.emit(news(asks('b')));
    told.emit({ events: [asks('a'), asks('b'), asks('c')], whole: true });
    expect([...inbox.get().values()].map(each => [each.request.request_id, each.old])).toEqual([
      ['a', true],
      ['b', false],
      ['c', false]
    ]);
    inbox.dispose();
    told.emit({ events: [], whole: true });
    expect(inbox.get().size).toBe(3);
  });
});

describe('AskedOfMe', () => {
  it('takes what my sessions ask, and those that I have prompted', async () => {
    const { tell, asked, tasksOf } = world();
    tell(news(asks('b', 'prompted', 2), asks('c', 'bobs', 3), asks('a', 'mine', 1)));
    await settled();
    expect(asked.get().map(each => each.request.request_id)).toEqual(['a', 'b']);
    tell(news(asks('d', 'bobs', 4), asks('e', 'prompted', 5)));
    await settled();
    expect(asked.get().map(each => each.request.request_id)).toEqual(['a', 'b', 'e']);
    expect(tasksOf).toHaveBeenCalledTimes(2); // each of the two sessions of others was looked into once
  });

  it('looks again when there are more prompts', async () => {
    const { tell, asked, tasksOf, workspace } = world();
    tell(news(asks('c', 'bobs')));
    await settled();
    tasksOf.mockResolvedValue([{ by: 'bob' }, { by: 'ann' }]);
    workspace.sessions.update(all => new Map(all).set('bobs', session('bobs', 'bob', 2)));
    await settled();
    expect(asked.get().map(each => each.request.request_id)).toEqual(['c']);
  });

  it('looks again after a look that failed', async () => {
    const warned = vi.spyOn(console, 'warn').mockReturnValue();
    const { tell, asked, tasksOf } = world();
    tasksOf.mockRejectedValueOnce(new Error('not now'));
    tell(news(asks('a', 'prompted')));
    await settled();
    expect([asked.get(), warned.mock.calls.length]).toEqual([[], 1]);
    tell(news(asks('b', 'prompted', 2)));
    await settled();
    expect(asked.get().map(each => each.request.request_id)).toEqual(['a', 'b']);
    warned.mockRestore();
  });

  it('asks nothing for a session that was put away', () => {
    const { tell, asked, workspace } = world();
    tell(news(asks('a')));
    expect(asked.get()).toHaveLength(1);
    workspace.sessions.update(all => new Map(all).set('mine', { ...session('mine', 'ann'), archived: true }));
    expect(asked.get()).toEqual([]);
  });

  it('asks nothing of who may not answer', () => {
    const { tell, asked, forbid } = world();
    forbid();
    tell(news(asks('a')));
    expect(asked.get()).toEqual([]);
  });
});

describe('AskNotices', () => {
  it('offers the answer, and gives it with the digest of what was shown', () => {
    const { tell, toasts, press, ports } = world();
    tell(news(asks('a')));
    expect(toasts.map(each => [each.text, each.steps.map(step => step.label)])).toEqual([
      ['The mine: Run a', ['Allow once', 'Reject', 'Show']]
    ]);
    press(toasts[0], 'Allow once');
    expect(ports.answer).toHaveBeenCalledTimes(1);
    const [waiting, option] = vi.mocked(ports.answer).mock.calls[0] ?? [];
    expect([waiting?.request.request_id, waiting?.request.digest, option]).toEqual(['a', 'digest of a', 'once']);
    tell(news(asks('a'))); // the answer is under way
    expect(toasts).toHaveLength(1);
  });

  it('opens the session for a question', () => {
    const { tell, toasts, press, ports } = world();
    const questions = [{ question: 'Which?', header: '', choices: [], multiple: false, descriptions: [], own: false }];
    tell(news(asks('q', 'mine', 1, { questions, options: [] })));
    expect(toasts[0]?.steps.map(step => step.label)).toEqual(['Answer…']);
    press(toasts[0], 'Answer…');
    expect(ports.open).toHaveBeenCalledWith('mine');
    expect(ports.answer).not.toHaveBeenCalled();
  });

  it('goes when anybody has answered, and is never there twice', () => {
    const { tell, open, toasts } = world();
    tell(news(asks('a')));
    tell(news(asks('a')));
    tell({ events: [asks('a')], whole: true });
    expect(toasts).toHaveLength(1);
    tell(news(answered('a')));
    expect(open()).toEqual([]);
  });

  it('comes again when the answer did not arrive, but not when somebody was first', async () => {
    const answer = vi.fn<NoticePorts['answer']>().mockResolvedValueOnce('again').mockResolvedValueOnce('done');
    const { tell, toasts, press } = world({ answer });
    tell(news(asks('a')));
    press(toasts[0], 'Reject');
    await settled();
    expect(toasts).toHaveLength(2);
    press(toasts[1], 'Reject');
    await settled();
    expect(toasts).toHaveLength(2);
  });

  it('does not come back once it was dismissed', () => {
    const { tell, toasts, inView } = world();
    tell(news(asks('a')));
    toasts[0]?.gone();
    tell(news(asks('b', 'prompted')));
    inView.set(['mine']);
    inView.set([]);
    expect(toasts.filter(each => each.text.includes('Run a'))).toHaveLength(1);
  });

  it('is told anew of what is asked anew, under the same name', () => {
    const { tell, toasts } = world();
    tell(news(asks('a')));
    toasts[0]?.gone();
    tell(news(answered('a')));
    tell(news(asks('a')));
    expect(toasts.filter(each => each.text === 'The mine: Run a')).toHaveLength(2);
  });

  it('is quiet about what waited before, and aloud about what comes, or did not get through', async () => {
    const { tell, toasts, press } = world({ answer: () => Promise.resolve('again') });
    tell({ events: ['a', 'b', 'c', 'd'].map((id, at) => asks(id, 'mine', at)), whole: true }, true);
    expect(toasts.map(each => each.quiet)).toEqual([true, true, true, true]);
    tell(news(asks('e', 'mine', 5)));
    // News take the place of what waited before.
    expect(toasts.slice(4).map(each => [each.text, each.quiet])).toEqual([
      ['The mine: Run e', false],
      ['2 more requests wait for an answer.', true]
    ]);
    expect(toasts[2]).toMatchObject({ text: 'The mine: Run c', closed: true });
    press(toasts[0], 'Reject');
    await settled();
    expect(toasts.findLast(each => each.text === 'The mine: Run a')).toMatchObject({ quiet: false, closed: false });
  });

  it('shows three, and says how many more wait', () => {
    const { tell, open, toasts, press, ports } = world();
    tell(news(...['a', 'b', 'c', 'd'].map((id, at) => asks(id, 'mine', at))));
    expect(open()).toEqual(['The mine: Run a', 'The mine: Run b', 'The mine: Run c', '1 more request waits for an answer.']);
    tell(news(asks('e', 'mine', 5), asks('f', 'mine', 6)));
    expect(open().at(-1)).toBe('3 more requests wait for an answer.');
    expect(open()).toHaveLength(4);
    tell(news(answered('b')));
    expect(new Set(open())).toEqual(
      new Set(['The mine: Run a', 'The mine: Run c', 'The mine: Run d', '2 more requests wait for an answer.'])
    );
    press(toasts.find(each => !each.closed && each.said.startsWith('2 more')), 'Show all');
    expect(ports.showAll).toHaveBeenCalledTimes(1);
    const before = toasts.length;
    tell(news(answered('e'), answered('d')));
    // What is left has room for itself.
    expect(toasts.slice(before).map(each => each.text)).toEqual(['The mine: Run f']);
  });

  it('tells again how many more wait, once there were fewer than were dismissed', () => {
    const { tell, toasts } = world();
    tell(news(...['a', 'b', 'c', 'd', 'e'].map((id, at) => asks(id, 'mine', at))));
    toasts.find(each => each.text.startsWith('2 more'))?.gone();
    const more = (): string[] => toasts.slice(4).map(each => each.text).filter(text => text.includes('more request'));
    tell(news(answered('e')));
    expect(more()).toEqual([]);
    tell(news(asks('f', 'mine', 6)));
    expect(more()).toEqual(['2 more requests wait for an answer.']);
  });

  it('is quiet about a session whose panel is in view, and when it is switched off', () => {
    const { tell, open, inView, settings } = world();
    inView.set(['mine']);
    tell(news(asks('a')));
    expect(open()).toEqual([]);
    inView.set([]);
    expect(open()).toEqual(['The mine: Run a']);
    inView.set(['mine']);
    expect(open()).toEqual([]);
    inView.set([]);
    settings.set({ enabled: false, system: true });
    expect(open()).toEqual([]);
  });

  it('calls through the browser once, only while the tab is hidden and only when that is wanted', () => {
    let hidden = false;
    const closed: string[] = [];
    const systemNotice = vi.fn(({ tag }: { readonly tag: string }) => () => void closed.push(tag));
    const { tell, settings, inView } = world({ hidden: () => hidden, systemNotice });
    settings.set({ enabled: true, system: true });
    tell(news(asks('a')));
    hidden = true;
    inView.set(['mine']); // the panel is in front, but nobody looks at it
    tell(news(asks('b', 'mine', 2)));
    tell(news(asks('b', 'mine', 2), asks('c', 'mine', 3)));
    expect(systemNotice.mock.calls.map(([{ tag }]) => tag)).toEqual(['b', 'c']);
    tell(news(answered('b')));
    expect(closed).toEqual(['b']);
    settings.set({ enabled: true, system: false });
    tell(news(asks('d', 'mine', 4)));
    expect(systemNotice).toHaveBeenCalledTimes(2);
    settings.set({ enabled: false, system: true });
    tell(news(asks('e', 'mine', 5)));
    expect(systemNotice).toHaveBeenCalledTimes(2);
  });

  it('takes all away when it ends', () => {
    const close = vi.fn();
    const { tell, open, settings, notices } = world({ hidden: () => true, systemNotice: () => close });
    settings.set({ enabled: true, system: true });
    tell(news(...['a', 'b', 'c', 'd'].map((id, at) => asks(id, 'mine', at))));
    notices.dispose();
    expect(open()).toEqual([]);
    expect(close).toHaveBeenCalledTimes(4);
  });
});
