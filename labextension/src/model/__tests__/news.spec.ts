import { describe, expect, it } from 'vitest';
import { glyphOfTree, wordOf } from '../../domain/attention';
import type { SessionRow } from '../../schema/types';
import { markNews, newsOf } from '../news';

const row = (id: string, fields: Partial<SessionRow> = {}): SessionRow =>
  ({ id, owner: 'ann', status: 'idle', last_words: 'Done.', updated_ms: 5, ...fields }) as SessionRow;
const seen = { isUnseen: (id: string) => id !== 'looked-at' };

describe('newsOf', () => {
  it('names what has finished and this person has not looked at', () => {
    const rows = [row('new'), row('looked-at'), row('bobs', { owner: 'bob' }), row('runs', { status: 'running' })];
    expect(newsOf(rows, 'ann', seen)).toEqual(['new']);
  });

  it('makes a card say that it has finished', () => {
    const rows = [row('new'), row('looked-at')];
    expect(wordOf(glyphOfTree('ready', rows))).toBe('idle');
    expect(wordOf(glyphOfTree('ready', markNews(rows, newsOf(rows, 'ann', seen))))).toContain('finished');
  });
});
