/** What is asked on a card: the oldest first, one at a time, answered with the digest of what was shown. */
import { CommandRegistry } from '@lumino/commands';
import { act, fireEvent, render, screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { CommandIds } from '../../domain/commandIds';
import { Store } from '../../model/store';
import type { InboxItem } from '../../schema/types';
import { CardAsk } from '../nodes/CardAsk';
import type { BoardView } from '../view';
import { BoardViewContext } from '../view';

const item = (id: string, at_ms: number): InboxItem =>
  ({
    id, session_id: 's', title: `Run ${id}`, description: '', kind: 'execute', content: [], questions: [], digest: `digest of ${id}`, at_ms,
    options: [{ option_id: 'once', name: 'Allow once', kind: 'allow_once' }]
  }) as unknown as InboxItem;

function shown(items: readonly InboxItem[], may = true): { told: unknown[]; again: (items: readonly InboxItem[]) => void } {
  const told: unknown[] = [];
  const commands = new CommandRegistry();
  commands.addCommand(CommandIds.answerPermission, { execute: args => void told.push(args) });
  const view = {
    doc: { sessions: new Store(new Map([['s', { title: 'Fix it' }]])) },
    workspace: { may: (action: string, on: string) => may && action === 'execute' && on === 'agor:sessions' },
    commands
  } as unknown as BoardView;
  const drawn = (now: readonly InboxItem[]) => (
    <BoardViewContext.Provider value={view}>
      <CardAsk items={now} />
    </BoardViewContext.Provider>
  );
  const { rerender } = render(drawn(items));
  return { told, again: now => rerender(drawn(now)) };
}

const title = (): string => screen.getByTestId('agor-approval').getAttribute('aria-label') ?? '';
const turn = (name: string): void => void fireEvent.click(screen.getByRole('button', { name }));

describe('CardAsk', () => {
  it('asks the oldest first, and turns round and round', () => {
    shown([item('b', 2), item('c', 3), item('a', 1)]);
    expect([title(), screen.getByTestId('agor-ask-pager').textContent]).toEqual(['Fix it asks: Run a', '‹1 of 3 wait›']);
    turn('The one before');
    expect(title()).toBe('Fix it asks: Run c');
    turn('The next one');
    expect(title()).toBe('Fix it asks: Run a');
  });

  it('keeps what is looked at, whatever is asked or answered besides it', () => {
    const { again } = shown([item('a', 1), item('b', 2)]);
    turn('The next one');
    again([item('b', 2), item('c', 3)]);
    expect([title(), screen.getByTestId('agor-ask-pager').textContent]).toEqual(['Fix it asks: Run b', '‹1 of 2 wait›']);
    again([item('c', 3)]);
    expect([title(), screen.queryByTestId('agor-ask-pager')]).toEqual(['Fix it asks: Run c', null]);
  });

  it('answers exactly what was shown', async () => {
    const { told } = shown([item('a', 1)]);
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'Allow once' }));
      await Promise.resolve();
    });
    expect(told).toEqual([{ request_id: 'a', digest: 'digest of a', option_id: 'once', message: '', answers: {} }]);
  });

  it('is only to be read for who may not answer', () => {
    shown([item('a', 1)], false);
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Allow once' }).disabled).toBe(true);
  });
});
