import { describe, expect, it } from 'vitest';
import type { PermissionRequest } from '../../schema/types';
import { inShort } from '../asked';
import { answerWords } from '../options';

const request = (given: Partial<PermissionRequest> = {}): PermissionRequest => ({
  type: 'permission_request',
  request_id: 'req_1',
  tool_call_id: null,
  title: 'Run the tests',
  description: '',
  kind: 'execute',
  input: {},
  locations: [],
  content: [{ type: 'text', text: 'pytest -q', truncated: 0 }],
  options: [
    { option_id: 'once', name: 'Allow once', kind: 'allow_once' },
    { option_id: 'always', name: 'Always', kind: 'allow_always' },
    { option_id: 'no', name: 'Reject', kind: 'reject_once' }
  ],
  questions: [],
  digest: 'd1',
  ...given
});
const text = (words: string, truncated = 0): Partial<PermissionRequest> => ({
  content: [{ type: 'text', text: words, truncated }]
});

describe('inShort', () => {
  it('says the session, what it asks and the command, and can be allowed from there', () => {
    expect(inShort(request(), 'Mend the median')).toEqual({
      text: 'Mend the median: Run the tests\npytest -q',
      allow: 'once',
      reject: 'no'
    });
  });

  it('leaves to the session what a tool would be given and nobody is shown', () => {
    const mail = request({ title: 'mcp mail: send', kind: 'other', content: [], input: { to: 'a@x', body: { words: ['all keys'] } } });
    expect(inShort(mail, 'S').allow).toBeNull();
    expect(inShort({ ...mail, title: 'send all keys to a@x' }, 'S').allow).toBe('once');
    expect(inShort(request({ description: 'And more.' }), 'S').allow).toBeNull();
    const command = { command: 'pytest -q', description: 'Run the tests', timeout: 60 };
    expect(inShort(request({ input: command }), 'S').allow).toBe('once');
    expect(inShort(request({ input: { ...command, cwd: '/' } }), 'S').allow).toBeNull();
  });

  it('says a command once where the agent calls it by itself', () => {
    const asked = request({ title: 'pytest -q', content: [], input: { command: 'pytest -q' } });
    expect(inShort(asked, 'Mend').text).toBe('Mend:\npytest -q');
    const long = `pytest ${'a'.repeat(60)} ${'b'.repeat(40)}`;
    const cut = inShort(request({ title: `${long.slice(0, 80)}…`, ...text(long) }), 'Mend');
    expect(cut.text).toBe(`Mend:\n${long}`);
    expect(cut.allow).toBe('once');
  });

  it.each([
    ['a command of two lines', text('echo hello\nrm -rf /')],
    ['a command that does not fit', text(`echo ${'x'.repeat(150)}; rm -rf /`)],
    ['a text that was cut before', text('echo hello', 40)],
    ['a diff', { content: [{ type: 'diff', path: 'a.py', old_text: '', new_text: 'x' }] }],
    ['two texts', { content: [...(text('a').content ?? []), ...(text('b').content ?? [])] }],
    ['what stands elsewhere than it is read', text('echo \u202egnihton')],
    ['what is hidden behind blanks', text(`echo${' '.repeat(9)}hello`)],
    ['a title that does not fit', { title: 'Call the tool '.repeat(9), content: [] }],
    ['a title that was cut before', { title: 'Call the to…', content: [] }]
  ] as [string, Partial<PermissionRequest>][])('lets nobody allow %s unseen', (_, given) => {
    const short = inShort(request(given), 'Mend');
    expect(short.allow).toBe(null);
    expect(short.reject).toBe('no');
    expect(short.text.length).toBeLessThanOrEqual(140);
    expect(short.text).not.toMatch(/\p{Cf}/u);
  });

  it('says a change in numbers, and of which file where the title does not', () => {
    const content = [{ type: 'diff', path: 'a.py', old_text: 'x\n', new_text: 'y\nz\n' }] as const;
    expect(inShort(request({ title: 'Edit a.py', content: [...content] }), 'Mend').text).toBe('Mend: Edit a.py\n+2 −1');
    expect(inShort(request({ title: 'Edit it', content: [...content] }), 'Mend').text).toBe('Mend: Edit it\na.py +2 −1');
  });

  it('gives the reason where there is nothing else to show', () => {
    const short = inShort(request({ content: [], description: `First, ${'so '.repeat(60)}\nthen' ` }), 'Mend');
    expect(short.text).toContain('Mend: Run the tests\nFirst, so so');
    expect(short.allow).toBe('once'); // the reason is not what is done
  });

  it('offers nothing but to look at a question, or at a plan', () => {
    const questions = [{ question: 'Which?', header: '', choices: [], multiple: false, descriptions: [], own: false }];
    expect(inShort(request({ questions, options: [], content: [], title: 'Ask' }), 'Mend')).toEqual({
      text: 'Mend: Ask\nWhich?',
      allow: null,
      reject: null
    });
    expect(inShort(request({ kind: 'switch_mode' }), 'Mend')).toMatchObject({ allow: null, reject: null });
  });

  it('is plain text of one line each, and clips a long session title', () => {
    const short = inShort(request(text('pytest -q')), `A\ttitle\nof ${'many '.repeat(30)}`);
    expect(short.text.split('\n')).toHaveLength(2);
    expect(short.text).toContain('…: Run the tests');
    expect(short.allow).toBe('once'); // the session's title is not what is asked
  });
});

describe('answerWords', () => {
  const option = (option_id: string, kind: 'allow_once' | 'reject_once') => ({ option_id, name: option_id, kind });

  it.each([
    [[option('a', 'allow_once'), option('b', 'reject_once')], 0, 'other', 'allow|always|reject'],
    [[option('a', 'allow_once'), option("b's", 'allow_once')], 0, 'other', `a|'b'"'"'s'`],
    [[option('a', 'allow_once')], 0, 'switch_mode', 'a'],
    [[], 0, 'other', 'allow|always|reject'],
    [[], 1, 'other', 'YOUR ANSWER'],
    [[], 2, 'other', '"ANSWER 1" "ANSWER 2"']
  ] as const)('says %j with %i questions about %s as %s', (options, questions, kind, words) => {
    expect(answerWords({ kind, options }, questions)).toBe(words);
  });
});
