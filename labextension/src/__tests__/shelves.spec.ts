import { describe, expect, it } from 'vitest';
// @ts-expect-error ESLint loads this file as plain JavaScript; it has no types.
import { complaint as judge } from '../../eslint.shelves.mjs';

const complaint = judge as (from: string, to: string) => string | null;

describe('the shelves', () => {
  it.each([
    ['board', 'model'],
    ['api', 'schema'],
    ['plugins', 'board'],
    ['board', 'board'],
    ['commands', 'tokens'],
    ['board', 'tokens'],
    ['tokens', 'model']
  ])('lets %s read %s', (from, to) => {
    expect(complaint(from, to)).toBeNull();
  });

  it.each([
    ['model', 'board', 'higher'],
    ['domain', 'tokens', 'higher'],
    ['api', 'ui', 'do not know'],
    ['board', 'sessions', 'do not know'],
    ['board', 'utils', 'no shelf']
  ])('keeps %s from %s', (from, to, why) => {
    expect(complaint(from, to)).toContain(why);
  });
});
