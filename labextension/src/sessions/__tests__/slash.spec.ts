import { describe, expect, it } from 'vitest';
import { completed, matching, slashAt } from '../slash';

describe('slashAt', () => {
  it.each([
    ['/', 1, ''],
    ['/com', 4, 'com'],
    ['/com', 2, 'c'],
    ['/com', 0, null],
    ['/com pact', 9, null],
    ['/com pact', 3, 'co'],
    [' /com', 5, null],
    ['a/b', 3, null],
    ['/a\n', 3, null]
  ])('of %j at %i is %j', (text, caret, typed) => {
    expect(slashAt(text, caret)).toBe(typed);
  });
});

describe('matching', () => {
  const commands = ['replan', 'plan', 'PLANNER', 'other'].map(name => ({ name, description: '', hint: '' }));

  it('puts those first that begin so, whatever the case', () => {
    expect(matching(commands, 'Plan').map(each => each.name)).toEqual(['plan', 'PLANNER', 'replan']);
    expect(matching(commands, '')).toEqual(commands);
    expect(matching(commands, 'x')).toEqual([]);
  });
});

describe('completed', () => {
  it.each([
    ['/co', '/compact ', 9],
    ['/co the tests', '/compact the tests', 9],
    ['/co\nthe tests', '/compact \nthe tests', 9]
  ])('of %j is %j', (text, whole, caret) => {
    expect(completed(text, 'compact')).toEqual({ text: whole, caret });
  });
});
