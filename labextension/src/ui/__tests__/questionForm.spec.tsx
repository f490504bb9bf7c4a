import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { renderToString } from 'react-dom/server';
import type { Mock } from 'vitest';
import { describe, expect, it, vi } from 'vitest';
import type { Question } from '../../schema/types';
import type { GivenAnswer } from '../ApprovalBar';
import { QuestionForm } from '../QuestionForm';

const plain: Question = { question: 'Which?', header: '', choices: ['red', 'blue'], multiple: false, descriptions: [], own: false };

/** A question may be called as what every object has. */
it.each(['constructor', '__proto__', 'toString'])('asks %s', question => {
  const asked = [{ ...plain, question, choices: [] }];
  expect(renderToString(<QuestionForm questions={asked} disabled={false} onAnswer={() => {}} />)).toContain(question);
});

describe('a question', () => {
  function shown(changes: Partial<Question>): Mock<(answer: GivenAnswer) => void> {
    const answer = vi.fn<(answer: GivenAnswer) => void>();
    render(<QuestionForm questions={[{ ...plain, ...changes }]} disabled={false} onAnswer={answer} />);
    return answer;
  }
  const button = (): HTMLButtonElement => screen.getByText<HTMLButtonElement>('Answer');
  const radio = (name: string): HTMLInputElement => screen.getByRole<HTMLInputElement>('radio', { name });
  const said = (words: string): unknown[][] => [[{ option_id: null, answers: { 'Which?': words } }]];

  it('says what each choice means, and calls it by its words', () => {
    const answer = shown({ descriptions: ['As a rose', ''] });
    const described = radio('red').getAttribute('aria-describedby') ?? '';
    expect(document.getElementById(described)?.textContent).toBe('As a rose');
    expect(radio('blue').hasAttribute('aria-describedby')).toBe(false);
    expect(screen.queryByText('Something else…')).toBeNull();
    fireEvent.click(screen.getByText('As a rose'));
    fireEvent.click(button());
    expect(answer.mock.calls).toEqual(said('red'));
  });

  it('takes words of one\u2019s own where those will do', () => {
    const answer = shown({ own: true });
    expect(screen.queryByRole('textbox')).toBeNull();
    fireEvent.click(radio('red'));
    fireEvent.click(radio('Something else…'));
    expect([radio('red').checked, radio('Something else…').checked, button().disabled]).toEqual([false, true, true]);
    const field = screen.getByRole('textbox', { name: 'Your own answer: Which?' });
    fireEvent.change(field, { target: { value: '  ' } });
    expect(button().disabled).toBe(true);
    fireEvent.change(field, { target: { value: ' green, as grass ' } });
    fireEvent.click(button());
    expect(answer.mock.calls).toEqual(said('green, as grass'));
  });

  it('says nothing of the words after another choice, and keeps them', () => {
    const answer = shown({ own: true });
    fireEvent.click(radio('Something else…'));
    fireEvent.change(screen.getByRole('textbox'), { target: { value: 'green' } });
    fireEvent.click(radio('blue'));
    expect(screen.queryByRole('textbox')).toBeNull();
    fireEvent.click(button());
    expect(answer.mock.calls).toEqual(said('blue'));
    fireEvent.click(radio('Something else…'));
    expect(screen.getByRole<HTMLInputElement>('textbox').value).toBe('green');
  });

  it('joins them to the choices where several may be taken', () => {
    const answer = shown({ own: true, multiple: true });
    fireEvent.click(screen.getByRole('checkbox', { name: 'blue' }));
    fireEvent.click(screen.getByRole('checkbox', { name: 'Something else…' }));
    expect(button().disabled).toBe(true);
    fireEvent.change(screen.getByRole('textbox'), { target: { value: 'green' } });
    fireEvent.click(screen.getByRole('checkbox', { name: 'red' }));
    fireEvent.click(button());
    expect(answer.mock.calls).toEqual(said('blue, red, green'));
  });

  it('gives the field the keyboard after a click, not while arrows pass', () => {
    shown({ own: true });
    fireEvent.click(radio('Something else…'), { detail: 0 });
    expect(document.activeElement).not.toBe(screen.getByRole('textbox'));
    cleanup();
    shown({ own: true });
    fireEvent.click(radio('Something else…'), { detail: 1 });
    expect(document.activeElement).toBe(screen.getByRole('textbox'));
  });

  it('is a field alone where there is nothing to choose', () => {
    const answer = shown({ choices: [], own: true });
    expect(screen.queryByRole('radio')).toBeNull();
    fireEvent.change(screen.getByRole('textbox', { name: 'Which?' }), { target: { value: 'green' } });
    fireEvent.click(button());
    expect(answer.mock.calls).toEqual(said('green'));
  });
});
