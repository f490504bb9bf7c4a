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
  for (const id of [CommandIds.promptSession, CommandIds.steerSession, CommandIds.setEffort]) {
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
    current_task: null, queue_paused: '', queue: [], ...record
  };
  const capabilities = { set_model: true, images: true, files: true, notes: {}, ...able };
  const view = {
    store: Object.assign(new Store({ session, tasks: [], problem: null }), { id: 's' }),
    workspace: {
      me: new Store({ person: { id: 'ann' } }),
      agents: new Store([{ kind: 'demo', title: 'Demo', modes: ['ask'], models: ['one'], capabilities }]),
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

  it('offers an effort only where the agent has one', async () => {
    shown();
    expect(screen.queryByLabelText('Effort')).toBe(null);
    const { told } = shown({}, { set_effort: true });
    await act(async () => {
      fireEvent.change(screen.getByLabelText('Effort'), { target: { value: 'high' } });
      await Promise.resolve();
    });
    expect(told).toEqual([{ id: CommandIds.setEffort, args: { session_id: 's', effort: 'high' } }]);
  });
});
