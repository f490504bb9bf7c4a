/** The prompt box: what Enter does now, what it sends, what it says of files. */
import { CommandRegistry } from '@lumino/commands';
import { act, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { CommandIds } from '../../domain/commandIds';
import { Store } from '../../model/store';
import { Drafts } from '../drafts';
import { PromptBox } from '../PromptBox';
import type { SessionView } from '../view';
import { SessionContext } from '../view';

interface Told {
  readonly id: string;
  readonly args: Record<string, unknown>;
}

interface Shown {
  readonly told: Told[];
  readonly drafts: Drafts;
  readonly box: () => HTMLTextAreaElement;
}

function shown(record: object = {}, able: object = {}, drafts = new Drafts(null, 'k'), fails = false): Shown {
  const told: Told[] = [];
  const commands = new CommandRegistry();
  for (const id of [CommandIds.promptSession, CommandIds.steerSession, CommandIds.setEffort, CommandIds.setModel]) {
    commands.addCommand(id, {
      execute: args => {
        told.push({ id, args });
        if (fails) {
          throw new Error('refused');
        }
      }
    });
  }
  const session = {
    id: 's', agent: 'demo', owner: 'ann', status: 'idle', mode: 'ask', model: 'one', effort: '', efforts: ['low', 'high'],
    models: [], model_labels: {}, commands: [], native_ref: '', current_task: null, queue_paused: '', queue: [], ...record
  };
  const capabilities = { set_model: true, images: true, files: true, notes: {}, ...able };
  const view = {
    store: Object.assign(new Store({ session, tasks: [], problem: null }), { id: 's' }),
    workspace: {
      me: new Store({ person: { id: 'ann' } }),
      agents: new Store([{
        kind: 'demo', title: 'Demo', modes: ['ask'], models: ['one'], model_labels: {}, efforts: ['max'], capabilities
      }]),
      may: () => true
    },
    commands,
    drafts
  } as unknown as SessionView;
  render(
    <SessionContext.Provider value={view}>
      <PromptBox />
    </SessionContext.Provider>
  );
  return { told, drafts, box: () => screen.getByTestId('agor-prompt-box') };
}

const RUNNING = { current_task: 'task_1', status: 'running' };
const write = (box: HTMLElement, value: string): void => void fireEvent.change(box, { target: { value } });
const note = (): File => Object.assign(new File(['hi'], 'note.txt'), { arrayBuffer: () => Promise.resolve(new Uint8Array([104, 105]).buffer) });
const drop = (box: HTMLElement, files: File[]): void =>
  void fireEvent.drop(box, { dataTransfer: { types: ['Files'], files } });

describe('PromptBox', () => {
  it.each([
    ['at rest', {}, {}, 'Enter: send', 'Send'],
    ['while it works', RUNNING, {}, 'Enter: queue', 'Queue'],
    ['while the queue is paused', { queue: ['t'], queue_paused: 'stopped' }, {}, 'Enter: queue', 'Queue'],
    ['while it works and can be steered', RUNNING, { steer: true }, 'Enter: queue · Ctrl+Enter: steer', 'Queue'],
    ['while it starts', { ...RUNNING, status: 'starting' }, { steer: true }, 'Enter: queue', 'Queue'],
    ['at rest, of one that could be steered', {}, { steer: true }, 'Enter: send', 'Send']
  ])('says what Enter does %s', (_, record, able, hint, button) => {
    shown(record, able);
    expect(screen.getByTestId('agor-enter').textContent).toBe(hint);
    expect(screen.getByTestId('agor-send').textContent).toBe(button);
    expect(screen.queryByTestId('agor-steer') !== null).toBe(hint.includes('steer'));
  });

  it.each([
    [{ steer: true }, { ctrlKey: true }, CommandIds.steerSession],
    [{ steer: true }, { metaKey: true }, CommandIds.steerSession],
    [{ steer: true }, {}, CommandIds.promptSession],
    [{ steer: false }, { ctrlKey: true }, CommandIds.promptSession]
  ])('with an agent that is %j, Enter with %j runs %s', async (able, keys, id) => {
    const { told, box } = shown(RUNNING, able);
    write(box(), ' mind the gap ');
    fireEvent.keyDown(box(), { key: 'Enter', ...keys });
    await waitFor(() => expect(box().value).toBe(''));
    expect(told.map(each => [each.id, each.args['prompt']])).toEqual([[id, 'mind the gap']]);
  });

  it('keeps words and files until they are taken, under one key for the same words', async () => {
    const { told, box, drafts } = shown({}, {}, undefined, true);
    write(box(), 'one');
    for (let tries = 1; tries <= 2; tries += 1) {
      fireEvent.keyDown(box(), { key: 'Enter' });
      await waitFor(() => expect(told.length).toBe(tries));
      await waitFor(() => expect(screen.getByTestId<HTMLButtonElement>('agor-send').disabled).toBe(false));
    }
    write(box(), 'two');
    fireEvent.keyDown(box(), { key: 'Enter' });
    await waitFor(() => expect(told.length).toBe(3));
    const [first, again, other] = told.map(each => each.args['key']);
    expect([first === again, first === other]).toEqual([true, false]);
    expect([box().value, drafts.draft('s')]).toEqual(['two', 'two']);
  });

  it('walks through what was sent and back to the draft, which alone is kept', () => {
    const drafts = new Drafts(null, 'k');
    ['older', 'newer'].forEach(text => drafts.sent(text));
    drafts.keep('s', 'mine');
    const { box } = shown({}, {}, drafts);
    box().setSelectionRange(0, 0);
    const seen = ['ArrowUp', 'ArrowUp', 'ArrowUp', 'ArrowDown', 'ArrowDown'].map(key => {
      fireEvent.keyDown(box(), { key });
      return box().value;
    });
    expect(seen).toEqual(['newer', 'older', 'older', 'newer', 'mine']);
    expect(drafts.draft('s')).toBe('mine');
  });

  it('takes dropped files as chips, sends them, and takes one off again', async () => {
    const { told, box } = shown();
    drop(box(), [note(), note()]);
    await waitFor(() => expect(screen.getAllByTestId('agor-attached').length).toBe(2));
    fireEvent.click(screen.getAllByLabelText('Take off note.txt')[0]!);
    expect(screen.getAllByTestId('agor-attached').length).toBe(1);
    write(box(), 'read it');
    fireEvent.keyDown(box(), { key: 'Enter' });
    await waitFor(() => expect(screen.queryByTestId('agor-attached')).toBe(null));
    expect(told[0]?.args['attachments']).toEqual([{ name: 'note.txt', media_type: 'text/plain', data: 'hi' }]);
  });

  it('takes pasted files, and leaves pasted words to the browser', async () => {
    const { box } = shown();
    expect(fireEvent.paste(box(), { clipboardData: { files: [] } })).toBe(true);
    expect(fireEvent.paste(box(), { clipboardData: { files: [note()] } })).toBe(false);
    expect(await screen.findByTestId('agor-attached')).toBeTruthy();
  });

  it('says why an agent takes no files, on the button and when some are dropped', async () => {
    const { box } = shown({}, { images: false, files: false, notes: { files: 'It reads its script.' } });
    const button = screen.getByTestId('agor-attach');
    expect(button.getAttribute('aria-disabled')).toBe('true');
    expect(button.title).toBe('Demo takes no pictures. Demo takes no files. It reads its script.');
    drop(box(), [note()]);
    expect((await screen.findByTestId('agor-refused')).textContent).toBe('Demo takes no files. It reads its script.');
    expect(screen.queryByTestId('agor-attached')).toBe(null);
  });

  it('takes no pictures where the agent said so when it started, and files all the same', async () => {
    const { box } = shown({ unable: ['images'] }, { notes: { images: 'As far as it can.' } });
    expect(screen.getByTestId('agor-attach').getAttribute('aria-disabled')).toBe('false');
    drop(box(), [new File(['x'], 'p.png', { type: 'image/png' }), note()]);
    expect((await screen.findByTestId('agor-refused')).textContent).toBe('Demo takes no pictures.');
    expect(screen.getAllByTestId('agor-attached').length).toBe(1);
  });

  it('greys the effort of an agent that has none, with its own reason', () => {
    shown({}, { set_model: false, notes: { set_effort: 'A script thinks as it is written.', set_model: 'It has one.' } });
    const [effort, model] = ['Effort', 'Model'].map(label => screen.getByLabelText<HTMLSelectElement>(label));
    expect([effort?.disabled, effort?.title]).toEqual([true, 'A script thinks as it is written.']);
    expect([model?.disabled, model?.title]).toEqual([true, 'It has one.']);
  });

  it.each([
    ['before its start what is known of its kind', {}, ['', 'max']],
    ['what it told', { native_ref: 'n', efforts: ['low', 'high'] }, ['', 'low', 'high']],
    ['nothing where it told none', { native_ref: 'n', efforts: [] }, ['']]
  ])('offers efforts: %s', async (_, record, offered) => {
    const { told } = shown({ efforts: [], ...record }, { set_effort: true });
    const menu = screen.getByLabelText<HTMLSelectElement>('Effort');
    expect([...menu.options].map(each => each.value)).toEqual(offered);
    expect(menu.disabled).toBe(offered.length === 1);
    const last = offered.at(-1) ?? '';
    await act(async () => {
      fireEvent.change(menu, { target: { value: last } });
      await Promise.resolve();
    });
    const chosen = last === '' ? [] : [{ id: CommandIds.setEffort, args: { session_id: 's', effort: last } }];
    expect(told).toEqual(chosen);
  });

  it('lists the models that the agent told, by the names it gives them, and asks for another', async () => {
    const record = { native_ref: 'n', model: 'mine', models: ['big', 'small'], model_labels: { big: 'Big 3' } };
    const { told } = shown(record, { any_model: true });
    const menu = screen.getByLabelText<HTMLSelectElement>('Model');
    expect([...menu.options].map(each => each.text)).toEqual(['mine', 'Big 3', 'small', 'Another model…']);
    for (const place of [1, 3]) {
      await act(async () => {
        fireEvent.change(menu, { target: { value: menu.options[place]?.value } });
        await Promise.resolve();
      });
    }
    expect(told.map(each => each.args)).toEqual([{ session_id: 's', model: 'big' }, { session_id: 's' }]);
  });
});

const COMMANDS = [
  { name: 'compact', description: 'Sum up', hint: '[what to keep]' },
  { name: 'plan', description: 'Make a plan', hint: '' },
  { name: 'planner', description: '', hint: '' },
  { name: 'explain', description: '', hint: '' }
];
const STARTED = { native_ref: 'n', commands: COMMANDS };
const ABLE = { commands: true };
const press = (box: HTMLElement, ...keys: string[]): void => keys.forEach(key => void fireEvent.keyDown(box, { key }));
const options = (): HTMLElement[] => screen.queryAllByTestId('agor-slash-command');
const nameOf = (option?: HTMLElement): string => /\/\S+/.exec(option?.textContent ?? '')?.[0] ?? '';
const listed = (): string[] => options().map(nameOf);
const chosen = (): string => nameOf(options().find(each => each.getAttribute('aria-selected') === 'true'));

describe('slash commands', () => {
  it('are listed as they are typed, and only at the beginning', () => {
    const { box } = shown(STARTED, ABLE);
    const seen = ['/', '/pl', '/PLAN', '/nothing', '/plan now', 'x /', '/ex\n'].map(text => {
      write(box(), text);
      return listed().join(' ');
    });
    expect(seen).toEqual([
      '/compact /plan /planner /explain', '/plan /planner /explain', '/plan /planner', '', '', '', ''
    ]);
  });

  it('tell a reader which is chosen', () => {
    const { box } = shown(STARTED, ABLE);
    expect([box().getAttribute('role'), box().getAttribute('aria-expanded')]).toEqual(['combobox', 'false']);
    write(box(), '/');
    press(box(), 'ArrowDown');
    const active = document.getElementById(box().getAttribute('aria-activedescendant') ?? '');
    expect(active?.textContent).toBe('/plan Make a plan');
    expect(box().getAttribute('aria-controls')).toBe(screen.getByRole('listbox').id);
    expect(box().getAttribute('aria-expanded')).toBe('true');
    press(box(), 'ArrowUp', 'ArrowUp');
    expect(chosen()).toBe('/explain');
    write(box(), '/p');
    expect(chosen()).toBe('/plan');
  });

  it.each(['Enter', 'Tab'])('are completed with %s, and nothing is sent', async key => {
    const { told, box, drafts } = shown(STARTED, ABLE);
    write(box(), '/co');
    press(box(), key);
    expect([box().value, box().selectionStart, listed()]).toEqual(['/compact ', 9, []]);
    expect([told, drafts.draft('s')]).toEqual([[], '/compact ']);
    press(box(), 'Enter');
    await waitFor(() => expect(told.map(each => each.args['prompt'])).toEqual(['/compact']));
  });

  it.each(['shiftKey', 'ctrlKey', 'altKey', 'metaKey'])('leave a key with %s to the box', held => {
    const { box } = shown(STARTED, ABLE);
    write(box(), '/p');
    fireEvent.keyDown(box(), { key: 'ArrowDown', [held]: true });
    expect(chosen()).toBe('/plan');
    fireEvent.keyDown(box(), { key: 'Tab', [held]: true });
    expect(box().value).toBe('/p');
  });

  it('are sent with Enter once the name is whole, unless another one is chosen', async () => {
    const { told, box } = shown(STARTED, ABLE);
    write(box(), '/plan');
    press(box(), 'ArrowDown', 'Enter');
    expect(box().value).toBe('/planner ');
    write(box(), '/plan');
    press(box(), 'Enter');
    await waitFor(() => expect(told.map(each => each.args['prompt'])).toEqual(['/plan']));
    expect(listed()).toEqual([]);
  });

  it('are completed with the mouse, without taking the focus', () => {
    const { box } = shown(STARTED, ABLE);
    write(box(), '/ex');
    expect(fireEvent.mouseDown(options()[0] ?? box())).toBe(false);
    expect(box().value).toBe('/explain ');
  });

  it('close with Escape, which goes no further, and leave the keys to the box', async () => {
    const { told, box, drafts } = shown(STARTED, ABLE);
    const beyond: string[] = [];
    document.body.addEventListener('keydown', event => beyond.push(event.key), { once: true });
    drafts.sent('earlier');
    write(box(), '/');
    press(box(), 'Escape');
    expect([listed(), box().value, beyond]).toEqual([[], '/', []]);
    box().setSelectionRange(0, 0);
    press(box(), 'ArrowUp');
    expect(box().value).toBe('earlier');
    press(box(), 'ArrowDown');
    expect([box().value, listed()]).toEqual(['/', []]);
    press(box(), 'Enter');
    await waitFor(() => expect(told.map(each => each.args['prompt'])).toEqual(['/']));
  });

  it('are not looked for in an earlier prompt', () => {
    const drafts = new Drafts(null, 'k');
    drafts.sent('/plan');
    const { box } = shown(STARTED, ABLE, drafts);
    press(box(), 'ArrowUp');
    expect([box().value, listed()]).toEqual(['/plan', []]);
  });

  it('are announced before the agent has started, and Enter sends', async () => {
    const { told, box } = shown({}, ABLE);
    write(box(), '/co');
    expect(screen.getByTestId('agor-slash-empty').textContent).toBe('Commands are listed once the agent has started.');
    press(box(), 'Enter');
    await waitFor(() => expect(told.length).toBe(1));
    expect(screen.queryByTestId('agor-slash-empty')).toBe(null);
  });

  it.each([
    ['the agent has none', STARTED, {}],
    ['it started and told none', { native_ref: 'n' }, ABLE]
  ])('show nothing where %s', (_, record, able) => {
    const { box } = shown(record, able);
    write(box(), '/');
    expect([listed(), screen.queryByTestId('agor-slash-empty')]).toEqual([[], null]);
  });
});
