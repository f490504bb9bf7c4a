import { describe, expect, it } from 'vitest';
import { choiceFrom, choiceKeys } from '../choices';
import { lineOf, linesOf, pairsOf, referencesOf, wordsOf } from '../serverText';

describe('a server as text', () => {
  it.each([
    ['npx -y tools', ['npx', '-y', 'tools']],
    ['  a   b  ', ['a', 'b']],
    ['run "two words" \'$x y\'', ['run', 'two words', '$x y']],
    ['a\\ b ""', ['a b', '']],
    ['', []]
  ])('splits %s', (line, words) => {
    expect(wordsOf(line)).toEqual(words);
  });

  it.each([[['npx', '-y', 'a b']], [['say', 'a "quoted" word', "it's"]], [['', '$(x)', 'a\\b']]])(
    'writes %j so that it reads back',
    words => {
      expect(wordsOf(lineOf(words))).toEqual(words);
    }
  );

  it('reads pairs, and values that hold the separator', () => {
    expect(pairsOf('A=1\n\n B = x=y \nC', '=')).toEqual({ A: '1', B: 'x=y', C: '' });
    expect(pairsOf('Authorization: Bearer ${T}', ':')).toEqual({ Authorization: 'Bearer ${T}' });
    expect(linesOf({ A: '1', B: '2' }, '=')).toBe('A=1\nB=2');
  });

  it('finds what a server refers to', () => {
    expect(referencesOf({ A: 'x ${ONE} ${TWO}' }, { B: '${ONE}' })).toEqual(['ONE', 'TWO']);
  });
});

describe('the last choice', () => {
  it('is one of a repository and one of all', () => {
    expect(choiceKeys('repo_1')).toEqual(['new-session.repo_1', 'new-session']);
    expect(choiceKeys(null)).toEqual(['new-session', 'new-session']);
  });

  it.each([undefined, '', 'no', '[1]', 'null', '{"without": 3}'])('is none where it cannot be read: %s', text => {
    expect(choiceFrom(text).without ?? []).toEqual([]);
  });
});
