/** The arrows of the prompt box: both ways, and back to what somebody was writing. */
import { describe, expect, it } from 'vitest';
import type { Place } from '../history';
import { HERE, stepHistory } from '../history';

const SENT = ['third', 'second\nof two lines', 'first'];
const earlier = (back: number): string | null => SENT[back] ?? null;
const caret = (text: string, at = text.length): { text: string; start: number; end: number } => ({ text, start: at, end: at });

/** Press keys, the caret always at the edge that the key leaves by; give what is shown after each. */
function walk(text: string, keys: readonly string[]): string[] {
  let at: Place = HERE;
  let shown = text;
  return keys.map(key => {
    const step = stepHistory(key, caret(shown, key === 'ArrowUp' ? 0 : shown.length), at, earlier);
    at = step?.at ?? at;
    shown = step?.text ?? shown;
    return shown;
  });
}

describe('stepHistory', () => {
  it('goes up to the oldest and stays there, then down to the empty box', () => {
    const up = ['ArrowUp', 'ArrowUp', 'ArrowUp', 'ArrowUp'];
    expect(walk('', up)).toEqual([...SENT, 'first']);
    const down = walk('', [...up, 'ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown']).slice(4);
    expect(down).toEqual(['second\nof two lines', 'third', '', '']);
  });

  it('comes back to what was being written', () => {
    expect(walk('half a thought', ['ArrowUp', 'ArrowUp', 'ArrowDown', 'ArrowDown']).at(-1)).toBe('half a thought');
  });

  it.each([
    ['in the middle of one’s own words', caret('mine', 2), HERE, 'ArrowUp'],
    ['with something selected', { text: 'mine', start: 0, end: 4 }, HERE, 'ArrowUp'],
    ['down, with nothing newer', caret(''), HERE, 'ArrowDown'],
    ['up from the second line of an earlier one', caret(SENT[1]!), { back: 1, own: '' }, 'ArrowUp'],
    ['down from the first line of an earlier one', caret(SENT[1]!, 0), { back: 1, own: '' }, 'ArrowDown'],
    ['at another key', caret(''), HERE, 'ArrowLeft']
  ])('leaves the key alone %s', (_, box, at, key) => {
    expect(stepHistory(key, box, at, earlier)).toBe(null);
  });
});
