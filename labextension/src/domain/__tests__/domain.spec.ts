import { describe, expect, it } from 'vitest';
import { lastLine, LAST_WORDS, tokensIn, totalTokens } from '../applyEvent';
import { byAttention, glyphOf, glyphOfTree, mostUrgent } from '../attention';
import { freePlace, neighbour, nextZone, zoneAt } from '../boardLayout';
import { toTree } from '../genealogy';
import { countChanges, lineDiff } from '../lineDiff';
import { plainLine } from '../plainLine';

describe('tokens', () => {
  it('count what came out of the cache as given to the model', () => {
    const usage = { input_tokens: 4, output_tokens: 50, cached_read_tokens: 9000, cached_write_tokens: 100, thought_tokens: 7, cost_usd: null };
    expect([tokensIn(usage), totalTokens(usage)]).toEqual([9104, 9154]);
  });
});

describe('plainLine', () => {
  it.each([
    ['The median of an **even** number of `values`', 'The median of an even number of values'],
    ['## Done', 'Done'],
    ['- [the file](a/b.md) and ![a picture](x.png)', 'the file and a picture'],
    ['```', ''],
    ['```python', ''],
    ['```\n', ''],
    ['a * b * c and snake__case__name', 'a * b * c and snakecasename'],
    ['`half', '`half'],
    ['', '']
  ])('%j is said as %j', (markdown, words) => {
    expect(plainLine(markdown)).toBe(words);
  });
});

describe('glyphOfTree', () => {
  it('lets a lost folder call before the sessions in it', () => {
    const waits = { status: 'awaiting_permission', updated_ms: 1 } as const;
    expect(glyphOfTree('missing', [waits])).toBe('failed');
    expect(glyphOfTree('failed', [])).toBe('failed');
    expect(glyphOfTree('ready', [waits])).toBe('awaiting_permission');
    expect(glyphOfTree('ready', [])).toBe('idle');
  });
});

describe('lastLine', () => {
  it.each([
    ['', 'a\nb', 'b'],
    ['b', 'c', 'bc'],
    ['', 'done.\n', 'done.\n'],
    ['done.\n', 'next', 'next'],
    ['done.\n', '\n\n', 'done.\n'],
    ['a\u2028', 'b', 'b']
  ])('%j + %j is %j', (before, text, wanted) => {
    expect(lastLine(before, text)).toBe(wanted);
  });

  it('keeps whole characters', () => {
    expect(Array.from(lastLine('', '🙂'.repeat(300)))).toHaveLength(LAST_WORDS);
  });
});

describe('attention', () => {
  const at = (status: Parameters<typeof glyphOf>[0]['status'], updated_ms = 0, unseen = false) => ({ status, updated_ms, unseen });

  it('orders waits > failed > finished unseen > running > the rest', () => {
    const all = [at('idle'), at('running'), at('idle', 0, true), at('failed'), at('awaiting_permission')];
    expect(all.sort(byAttention).map(glyphOf)).toEqual(['awaiting_permission', 'failed', 'unseen', 'running', 'idle']);
  });

  it('puts the newer first among equals, and names the most urgent', () => {
    expect([at('idle', 1), at('idle', 2)].sort(byAttention)[0]?.updated_ms).toBe(2);
    expect(mostUrgent([at('running'), at('failed')])).toBe('failed');
    expect(mostUrgent([])).toBe('idle');
  });
});

describe('nextZone', () => {
  const zone = (x: number) => ({ pos: [x, 30], size: [300, 500], name: '', hue: 0, order: 0 }) as const;

  it('goes beside the last zone, covering none, and around the middle when it is the first', () => {
    const zones = new Map([['b', zone(400)], ['a', zone(0)]]);
    expect(nextZone(zones, [0, 0])).toEqual({ pos: [720, 30], size: [300, 500] });
    expect(nextZone(new Map(), [320, 240])).toEqual({ pos: [0, 0], size: [640, 480] });
  });
});

describe('genealogy', () => {
  const kin = (id: string, parent_id: string | null): { id: string; parent_id: string | null; updated_ms: number } => ({
    id,
    parent_id,
    updated_ms: 0
  });
  const shape = (kin_: ReturnType<typeof kin>[]): string[] => toTree(kin_).map(({ session, depth }) => `${depth}${session.id}`);

  it('indents children below their parent', () => {
    expect(shape([kin('a', null), kin('b', null), kin('c', 'a'), kin('d', 'c')])).toEqual(['0a', '1c', '2d', '0b']);
  });

  it('never loses a child whose parent is hidden, or a circle', () => {
    expect(shape([kin('c', 'gone')])).toEqual(['0c']);
    expect(shape([kin('a', 'b'), kin('b', 'a')])).toEqual(['0a', '1b']);
  });
});

describe('boardLayout', () => {
  const zone = (pos: [number, number], size: [number, number]) => ({ pos, size, name: '', hue: 0, order: 0 });

  it('finds the smallest zone under the middle of a card', () => {
    const zones = new Map([
      ['big', zone([0, 0], [1000, 1000])],
      ['small', zone([0, 0], [400, 400])]
    ]);
    expect(zoneAt(zones, [10, 10])).toBe('small');
    expect(zoneAt(zones, [500, 500])).toBe('big');
    expect(zoneAt(zones, [2000, 0])).toBeNull();
  });

  it('finds free places as the server does', () => {
    expect(freePlace([])).toEqual([40, 60]);
    expect(freePlace([[40, 60]])).toEqual([360, 60]);
    expect(freePlace([[40, 60], [360, 60], [680, 60], [1000, 60]])).toEqual([40, 280]);
  });

  it('prefers the neighbour straight ahead', () => {
    const places = new Map<string, [number, number]>([
      ['a', [0, 0]],
      ['far', [600, 0]],
      ['askew', [300, 500]]
    ]);
    expect(neighbour(places, 'a', 'right')).toBe('far');
    expect(neighbour(places, 'a', 'up')).toBeNull();
  });
});

describe('lineDiff', () => {
  const shown = (before: string | null, after: string | null): string[] =>
    lineDiff(before, after, 1).map(line => `${{ same: ' ', added: '+', removed: '-', gap: '~' }[line.kind]}${line.text}`);

  it('keeps what stays, with one line around it', () => {
    expect(shown('a\nb\nc\nd\ne\n', 'a\nb\nX\nd\ne\n')).toEqual(['~1', ' b', '-c', '+X', ' d', '~1']);
  });

  it('knows new and deleted files', () => {
    expect(shown(null, 'a\nb\n')).toEqual(['+a', '+b']);
    expect(shown('a\n', null)).toEqual(['-a']);
    expect(shown('same\n', 'same\n')).toEqual(['~1']);
  });

  it('numbers both sides', () => {
    const lines = lineDiff('a\nb', 'b\nc', 3);
    expect(lines.map(line => [line.kind, line.oldLine, line.newLine])).toEqual([
      ['removed', 1, undefined],
      ['same', 2, 1],
      ['added', undefined, 2]
    ]);
    expect(countChanges(lines)).toEqual({ added: 1, removed: 1 });
  });

  it('does not freeze on two large files that share nothing', () => {
    const many = (letter: string): string => Array.from({ length: 5000 }, (_, index) => `${letter}${index}`).join('\n');
    const started = performance.now();
    expect(countChanges(lineDiff(many('a'), many('b')))).toEqual({ added: 5000, removed: 5000 });
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
