/** What stands within a call follows it, to any depth, and nothing vanishes. */
import { describe, expect, it } from 'vitest';
import { nest } from '../nesting';

const list = (...words: string[]): string[] =>
  nest(words, word => {
    const [id = '', parent = ''] = word.split('<');
    return { id: id.startsWith('t') ? id : '', parent };
  }).map(({ item, within, inner }) => `${'.'.repeat(within.length)}${item}${inner > 0 ? ` (${inner})` : ''}`);

describe('nest', () => {
  it('leaves what has no parents as it is', () => {
    expect(list('a', 't1', 'b')).toEqual(['a', 't1', 'b']);
  });

  it('parts two sub-agents that speak by turns, and one within another', () => {
    expect(list('t1', 't2', 'a<t1', 'b<t2', 't3<t1', 'c<t3', 'd<t2', 'e')).toEqual([
      't1 (3)', '.a<t1', '.t3<t1 (1)', '..c<t3', 't2 (2)', '.b<t2', '.d<t2', 'e'
    ]);
  });

  it('keeps what names a call that is not there, or itself', () => {
    expect(list('a<t9', 't1<t1', 't2<t3', 't3<t2', 'b')).toHaveLength(5);
  });

  it('tells an id that stands there twice once', () => {
    expect(list('t1', 't1', 'a<t1')).toEqual(['t1 (1)', '.a<t1', 't1']);
  });

  it.each([
    ['deep', (at: number) => `t${at - 1}`],
    ['wide', () => 't0']
  ])('takes 20,000 calls, %s', (_, above) => {
    const calls = Array.from({ length: 20_000 }, (__, at) => ({ id: `t${at}`, parent: at === 0 ? '' : above(at) }));
    const began = performance.now();
    expect(nest(calls, call => call)[0]?.inner).toBe(19_999);
    expect(performance.now() - began).toBeLessThan(1000);
  });
});
