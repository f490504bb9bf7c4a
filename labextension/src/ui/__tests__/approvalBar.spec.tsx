import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import type { Mock } from 'vitest';
import { describe, expect, it, vi } from 'vitest';
import type { Asked, GivenAnswer } from '../ApprovalBar';
import { ApprovalBar } from '../ApprovalBar';

const asked: Asked = {
  title: 'Run the tests',
  description: 'To see them fail.',
  kind: 'execute',
  content: [{ type: 'text', text: 'pytest -q', truncated: 0 }],
  options: [
    { option_id: 'once', name: 'Allow once', kind: 'allow_once' },
    { option_id: 'always', name: 'Always for this session', kind: 'allow_always' },
    { option_id: 'no', name: 'Reject', kind: 'reject_once' }
  ],
  questions: []
};

function shown(changes: Partial<Asked> = {}, disabled = false): Mock<(answer: GivenAnswer) => Promise<void>> {
  const answer = vi.fn<(answer: GivenAnswer) => Promise<void>>(() => Promise.resolve());
  render(<ApprovalBar asked={{ ...asked, ...changes }} where="Fix it" disabled={disabled} onAnswer={answer} />);
  return answer;
}
const bar = (): HTMLElement => screen.getByTestId('agor-approval');

describe('ApprovalBar', () => {
  it('shows what is asked: the title, the reason, the command itself', () => {
    shown();
    expect(bar().textContent).toContain('To see them fail.');
    expect(screen.getByText('pytest -q')).toBeTruthy();
  });

  const questions = [{ question: 'Your name?', header: 'probe', choices: [], multiple: false, descriptions: [], own: false }];

  it('lets a question be declined where a no is one of its options', () => {
    const answer = shown({ options: [{ option_id: 'decline', name: 'Decline', kind: 'reject_once' }], questions });
    fireEvent.click(screen.getByText('Decline'));
    expect(answer.mock.calls).toEqual([[{ option_id: 'decline' }]]);
  });

  it('answers no question by a key, whatever options stand beside it', () => {
    const answer = shown({ questions });
    fireEvent.keyDown(bar(), { key: 'Enter' });
    fireEvent.keyDown(bar(), { key: 'Escape' });
    expect([answer.mock.calls, screen.getAllByRole('textbox').length]).toEqual([[], 1]);
    fireEvent.click(screen.getByText('Decline'));
    expect(answer.mock.calls).toEqual([[{ option_id: 'no' }]]);
  });

  it('offers no decline where a question has no such option', () => {
    shown({ options: [], questions });
    expect(screen.queryByText('Decline')).toBeNull();
  });

  it.each([
    [{ key: 'Enter' }, 'once'],
    [{ key: 'Enter', shiftKey: true }, 'always']
  ])('answers %j with %s', (key, option) => {
    const answer = shown();
    fireEvent.keyDown(bar(), key);
    expect(answer).toHaveBeenCalledWith({ option_id: option });
  });

  const button = (kind: string): HTMLElement => bar().querySelector<HTMLElement>(`[data-agor-option="${kind}"]`)!;

  it('can be focused, and so can each of its buttons', () => {
    shown();
    for (const each of [bar(), button('allow_once'), button('allow_always'), button('reject_once')]) {
      each.focus();
      expect(document.activeElement).toBe(each);
    }
  });

  it.each(['allow_once', 'allow_always'])('answers Shift+Enter on the focused %s with always, not with the button', kind => {
    const answer = shown();
    // What is not prevented becomes a click of the button.
    const prevented = !fireEvent.keyDown(button(kind), { key: 'Enter', shiftKey: true });
    expect(prevented).toBe(true);
    expect(answer.mock.calls).toEqual([[{ option_id: 'always' }]]);
  });

  it('does nothing for Shift+Enter where there is no always', () => {
    const answer = shown({ options: asked.options.filter(({ kind }) => kind !== 'allow_always') });
    expect(fireEvent.keyDown(button('allow_once'), { key: 'Enter', shiftKey: true })).toBe(false);
    expect(answer).not.toHaveBeenCalled();
  });

  it.each([
    ['allow_once', false],
    ['allow_always', false],
    ['reject_once', false],
    ['reject_once', true]
  ])('leaves Enter on the focused %s (Shift: %s) to the button', (kind, shiftKey) => {
    const answer = shown();
    expect(fireEvent.keyDown(button(kind), { key: 'Enter', shiftKey })).toBe(true);
    expect(answer).not.toHaveBeenCalled();
  });

  it.each(['allow_once', 'allow_always', 'reject_once'])('asks for a reason at Escape on the focused %s', kind => {
    shown();
    button(kind).focus();
    fireEvent.keyDown(button(kind), { key: 'Escape' });
    expect(document.activeElement).toBe(screen.getByRole('textbox'));
  });

  it('goes back to the bar at Escape in the reason, and answers from there', () => {
    const answer = shown();
    bar().focus();
    fireEvent.keyDown(bar(), { key: 'Escape' });
    fireEvent.keyDown(screen.getByRole('textbox'), { key: 'Escape' });
    expect(screen.queryByRole('textbox')).toBe(null);
    expect(document.activeElement).toBe(bar());
    fireEvent.keyDown(bar(), { key: 'Enter' });
    expect(answer).toHaveBeenCalledWith({ option_id: 'once' });
  });

  it.each([{ ctrlKey: true }, { altKey: true }, { metaKey: true }, { repeat: true }])('answers no key with %j', more => {
    const answer = shown();
    fireEvent.keyDown(bar(), { key: 'Enter', ...more });
    expect(answer).not.toHaveBeenCalled();
  });

  it('asks for a reason before it rejects', () => {
    const answer = shown();
    fireEvent.keyDown(bar(), { key: 'Escape' });
    expect(answer).not.toHaveBeenCalled();
    fireEvent.change(screen.getByRole('textbox'), { target: { value: 'use make' } });
    fireEvent.click(screen.getByText('Reject'));
    expect(answer).toHaveBeenCalledWith({ option_id: 'no', message: 'use make' });
  });

  it('takes nothing from who is typing a reason', () => {
    const answer = shown();
    fireEvent.keyDown(bar(), { key: 'Escape' });
    fireEvent.keyDown(screen.getByRole('textbox'), { key: 'Enter' });
    expect(answer).not.toHaveBeenCalled();
  });

  it('answers once, however often the button is pressed', () => {
    const answer = vi.fn(() => new Promise<void>(() => {}));
    render(<ApprovalBar asked={asked} where="Fix it" onAnswer={answer} />);
    fireEvent.click(screen.getByText('Allow once'));
    fireEvent.click(screen.getByText('Allow once'));
    fireEvent.keyDown(bar(), { key: 'Enter' });
    expect(answer).toHaveBeenCalledTimes(1);
  });

  it('lets nobody answer who may not', () => {
    const answer = shown({}, true);
    fireEvent.click(screen.getByText('Allow once'));
    fireEvent.keyDown(bar(), { key: 'Enter' });
    expect(answer).not.toHaveBeenCalled();
  });

  it('does not take the focus', () => {
    shown();
    expect(bar().contains(document.activeElement)).toBe(false);
  });

  const plan: Partial<Asked> = {
    kind: 'switch_mode',
    options: [
      { option_id: 'asking', name: 'Start; ask before each edit', kind: 'allow_once' },
      { option_id: 'freely', name: 'Start; edit freely', kind: 'allow_once' },
      { option_id: 'stay', name: 'Keep planning', kind: 'reject_once' }
    ]
  };
  const names = (): (string | null)[] => [...bar().querySelectorAll('button')].map(each => each.textContent);

  it('calls the options of a plan by their own names', () => {
    const answer = shown(plan);
    expect(names()).toEqual(['Start; ask before each edit', 'Start; edit freely', 'Keep planning…']);
    // One of them is what Enter chooses, and looks like it.
    expect(bar().querySelectorAll('.jp-mod-accept')).toHaveLength(1);
    expect(screen.getByText('Start; edit freely').title).toBe('Start; edit freely');
    fireEvent.click(screen.getByText('Start; edit freely'));
    expect(answer.mock.calls).toEqual([[{ option_id: 'freely' }]]);
  });

  it('keeps planning under its own name, with a reason', () => {
    const answer = shown(plan);
    fireEvent.click(screen.getByText('Keep planning…'));
    fireEvent.change(screen.getByRole('textbox'), { target: { value: 'think of Windows' } });
    fireEvent.click(screen.getByText('Keep planning'));
    expect(answer).toHaveBeenCalledWith({ option_id: 'stay', message: 'think of Windows' });
  });

  it('calls a change of mode by its own names, and two of a kind whatever they are about', () => {
    shown({ kind: 'switch_mode' });
    expect(names()).toEqual(['Allow once', 'Always for this session', 'Reject…']);
    cleanup();
    shown({ options: [{ ...asked.options[0]!, name: 'Leave plan mode' }], kind: 'switch_mode' });
    expect(names()).toEqual(['Leave plan mode']);
    cleanup();
    shown({ options: asked.options.map(option => ({ ...option, name: `My ${option.option_id}` })) });
    expect(names()).toEqual(['Allow once', 'Always for this session', 'Reject…']);
  });

  it('rejects with the option that was chosen', () => {
    const never = { option_id: 'never', name: 'Never', kind: 'reject_always' } as const;
    const answer = shown({ options: [...asked.options, never] });
    fireEvent.click(screen.getByText('Never…'));
    fireEvent.click(screen.getByText('Reject'));
    expect(answer).toHaveBeenCalledWith({ option_id: 'never', message: '' });
  });

  it('answers questions by their words', () => {
    const answer = shown({
      options: [],
      questions: [
        { question: 'Which?', header: '', choices: ['a', 'b'], multiple: false, descriptions: [], own: false },
        { question: 'Why?', header: '', choices: [], multiple: false, descriptions: [], own: false }
      ]
    });
    fireEvent.click(screen.getByLabelText('b'));
    fireEvent.change(screen.getByRole('textbox'), { target: { value: 'because' } });
    fireEvent.click(screen.getByText('Answer'));
    expect(answer).toHaveBeenCalledWith({ option_id: null, answers: { 'Which?': 'b', 'Why?': 'because' } });
  });
});
