/** What a transcript's outputs say: the golden notebook, and JSON that makes no sense. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { countChanges } from '../../domain/lineDiff';
import { readUnifiedDiff } from '../../domain/unifiedDiff';
import type { ShownOutput } from '../outputs';
import { ACTIVITY_MIME, MIMES, TEXT_MIME, toOutput, toSteps, TURN_MIME, USAGE_MIME } from '../outputs';

interface Notebook {
  cells: { outputs?: { data: Record<string, unknown> }[] }[];
}

const golden = JSON.parse(readFileSync('../tests/transcripts/golden/whole.agor.ipynb', 'utf-8')) as Notebook;
const drawn = golden.cells
  .flatMap(cell => cell.outputs ?? [])
  .flatMap(({ data }) => MIMES.filter(mime => mime in data).map(mime => ({ mime, data: data[mime] })));

const read = (mime: string): ShownOutput[] =>
  drawn.filter(each => each.mime === mime).map(({ data }) => toOutput(mime, data)!);

describe('the golden transcript', () => {
  it('is understood as a whole', () => {
    expect(drawn.length).toBeGreaterThan(2);
    for (const { mime, data } of drawn) {
      const output = toOutput(mime, data);
      expect(output).not.toBeNull();
      const given = (data as { blocks?: unknown[] }).blocks ?? [];
      expect(output!.blocks).toHaveLength(given.length);
    }
    expect(read(TEXT_MIME).every(({ blocks }) => blocks.every(({ type }) => type === 'text'))).toBe(true);
  });

  it('gives how the task ended', () => {
    const usage = read(USAGE_MIME)[0]!.usage!;
    expect(usage).toMatchObject({ stop: 'end_turn', changes: { files: 1, added: 3, removed: 1 } });
    expect(usage.tokens[0]).toBeGreaterThan(0);
  });

  it('shows its diffs as diffs', () => {
    const tools = read(ACTIVITY_MIME).flatMap(({ blocks }) => blocks.filter(block => block.type === 'tool'));
    const diffs = tools.flatMap(tool => readUnifiedDiff(tool.diff));
    expect(diffs.length).toBeGreaterThan(0);
    expect(diffs.every(({ path, lines }) => path !== '' && lines.length > 0)).toBe(true);
  });
});

describe('toOutput', () => {
  it.each([[null], ['words'], [[]], [{}], [{ v: 2, blocks: [] }], [{ v: '1' }]])('refuses %j', data => {
    expect(toOutput(TEXT_MIME, data)).toBeNull();
  });

  it('leaves out what makes no sense and keeps the rest', () => {
    const blocks = [null, 3, { type: 'script' }, { type: 'text', text: { html: '<b>' } }, { type: 'tool', kind: 'x', status: 9, name: 4 }];
    const found = toOutput(ACTIVITY_MIME, { v: 1, blocks })!;
    expect(found.blocks).toEqual([
      { type: 'text', id: '', text: '', parent: '' },
      expect.objectContaining({ type: 'tool', kind: 'other', status: 'completed', name: '', input: '', tookMs: null })
    ]);
  });

  it('reads what a person said in the running turn', () => {
    const said = { type: 'steered', id: 's', by: 'Mona', by_id: 'mona', text: 'Use tabs.', attached: ['a.md', 3] };
    const bare = { type: 'steered', id: 'r', by: { html: '<b>' }, text: 4 };
    expect(toOutput(TURN_MIME, { v: 1, blocks: [said, bare] })!.blocks).toEqual([
      { type: 'steered', id: 's', by: 'Mona', text: 'Use tabs.', attached: ['a.md'] },
      { type: 'steered', id: 'r', by: '', text: '', attached: [] }
    ]);
  });

  it('reads a turn that runs and one that is over', () => {
    const turn = { v: 1, blocks: [], usage: null, dropped: 4, state: 'waiting' };
    expect(toOutput(TURN_MIME, turn)).toMatchObject({ state: 'waiting', usage: null, dropped: 4 });
    const usage = { stop: 'failed', in: 5, out: 7, error: 'It broke.', hint: 'Try again.' };
    expect(toOutput(TURN_MIME, { ...turn, state: 'error', usage })).toMatchObject({
      state: '',
      usage: { stop: 'failed', tokens: [5, 7], trouble: 'It broke. Try again.' }
    });
  });
});

describe('toSteps', () => {
  it('joins runs of tools and hides what the policy decided', () => {
    const tool = (id: string): unknown => ({ type: 'tool', id, name: id });
    const asked = { type: 'permission', id: 'p', title: 'Edit', state: 'allow_once', by: 'Policy', by_id: 'policy' };
    const blocks = [tool('a'), asked, tool('b'), { type: 'text', id: 't', text: 'x' }, tool('c')];
    const steps = toSteps(toOutput(ACTIVITY_MIME, { v: 1, blocks })!.blocks);
    expect(steps.map(step => (step.kind === 'tools' ? step.tools.length : step.block.type))).toEqual([2, 'text', 1]);
  });

  it('puts what sub-agents said and did behind their calls', () => {
    const tool = (id: string, parent?: string): unknown => ({ type: 'tool', id, name: id, parent });
    const blocks = [tool('a'), tool('b'), { type: 'text', id: 't', text: 'x', parent: 'a' }, tool('c', 'b'), tool('d', 'a')];
    const steps = toSteps(toOutput(ACTIVITY_MIME, { v: 1, blocks })!.blocks);
    expect(steps.map(({ id, depth }) => `${depth} ${id}`)).toEqual(['0 a', '1 t', '1 d', '0 b', '1 c']);
  });

  it('shows what a person decided, whatever they are called', () => {
    const shown = (by: object): number => {
      const asked = { type: 'permission', id: 'p', title: 'Edit', state: 'reject_once', ...by };
      return toSteps(toOutput(ACTIVITY_MIME, { v: 1, blocks: [asked] })!.blocks).length;
    };
    expect(shown({ by: 'policy', by_id: 'usr_1' })).toBe(1);
    expect(shown({ by: 'ada' })).toBe(1);
    expect(shown({ by: 'policy' })).toBe(0);
  });
});

describe('readUnifiedDiff', () => {
  const TWO = [
    '--- a.py', '+++ a.py', '@@ -4,3 +4,3 @@', ' four', '-five', '+FIVE', ' six', '@@ -20,1 +20,2 @@', ' twenty', '+more',
    '--- /dev/null', '+++ new.md', '@@ -0,0 +1,2 @@', '+--- a rule', '++++ plus'
  ].join('\n');

  it('numbers the lines of each file and says what it skips', () => {
    const [first, second] = readUnifiedDiff(TWO);
    expect(first!.lines.map(({ kind }) => kind)).toEqual([
      'gap', 'same', 'removed', 'added', 'same', 'gap', 'same', 'added'
    ]);
    expect(first!.lines[5]).toMatchObject({ kind: 'gap', text: '13' });
    expect(first!.lines.at(-1)).toMatchObject({ newLine: 21 });
    expect(second).toMatchObject({ path: 'new.md' });
    expect(countChanges(second!.lines)).toEqual({ added: 2, removed: 0 });
  });

  it('shows what is there of a diff that was clipped, or only counted', () => {
    expect(readUnifiedDiff('')).toEqual([]);
    expect(readUnifiedDiff('no diff at all')).toEqual([]);
    const counted = readUnifiedDiff('--- big\n+++ big\n@@ 90 lines → 91 lines @@');
    expect(counted[0]!.lines).toEqual([{ kind: 'gap', text: '90 lines → 91 lines' }]);
    const clipped = readUnifiedDiff('--- a\n+++ a\n@@ -1 +1 @@\n+x\n… 9,000 bytes left out …\n+y');
    expect(clipped[0]!.lines.map(({ kind }) => kind)).toEqual(['added', 'gap', 'added']);
  });
});
