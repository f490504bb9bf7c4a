/** Drafts: over closing and opening, over a reload, and beside another tab. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Drafts } from '../drafts';

class Kept {
  readonly items = new Map<string, string>();
  readonly getItem = (key: string): string | null => this.items.get(key) ?? null;
  readonly setItem = (key: string, value: string): void => void this.items.set(key, value);
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('Drafts', () => {
  it('gives back what was written, in this page and after a reload', () => {
    const kept = new Kept();
    const drafts = new Drafts(kept, 'k');
    drafts.keep('s1', 'half a thought');
    drafts.keep('s2', 'another');
    expect(drafts.draft('s1')).toBe('half a thought');
    vi.runAllTimers();
    expect(new Drafts(kept, 'k').draft('s1')).toBe('half a thought');
    expect(new Drafts(kept, 'k').draft('s2')).toBe('another');
    expect(new Drafts(kept, 'other').draft('s1')).toBe('');
  });

  it('loses nothing where the page goes at once', () => {
    const kept = new Kept();
    const drafts = new Drafts(kept, 'k');
    drafts.keep('s1', 'just typed');
    drafts.sent('just sent');
    drafts.flush();
    const again = new Drafts(kept, 'k');
    expect([again.draft('s1'), again.earlier(0)]).toEqual(['just typed', 'just sent']);
  });

  it('leaves alone what another tab wrote meanwhile', () => {
    const kept = new Kept();
    const [one, two] = [new Drafts(kept, 'k'), new Drafts(kept, 'k')];
    one.keep('s1', 'one');
    one.sent('from one');
    two.keep('s2', 'two');
    two.sent('from two');
    one.flush();
    two.flush();
    const again = new Drafts(kept, 'k');
    expect([again.draft('s1'), again.draft('s2')]).toEqual(['one', 'two']);
    expect([again.earlier(0), again.earlier(1)]).toEqual(['from two', 'from one']);
  });

  it('forgets what was emptied, and says each prompt once, the newest first', () => {
    const kept = new Kept();
    const drafts = new Drafts(kept, 'k');
    drafts.keep('s1', 'x');
    drafts.flush();
    drafts.keep('s1', '');
    ['a', 'b', 'a'].forEach(text => drafts.sent(text));
    drafts.flush();
    const again = new Drafts(kept, 'k');
    expect([again.draft('s1'), again.earlier(0), again.earlier(1), again.earlier(2)]).toEqual(['', 'a', 'b', null]);
  });

  it.each([
    ['nonsense', { getItem: () => '{', setItem: () => {} }],
    ['a full storage', { getItem: () => null, setItem: () => { throw new Error('full'); } }],
    ['no storage', null]
  ])('goes on with %s', (_, shelf) => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const drafts = new Drafts(shelf, 'k');
    drafts.keep('s1', 'x');
    drafts.flush();
    expect(drafts.draft('s1')).toBe('x');
  });
});
