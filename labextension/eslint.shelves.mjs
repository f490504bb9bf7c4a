/**
 * The shelves of the front end as an ESLint rule: a file imports from its own room or from lower
 * shelves; rooms on one shelf do not know each other, and nobody imports the barrel of the whole.
 */
import path from 'node:path';

export const SHELVES = [
  ['schema'],
  ['domain'],
  ['api', 'ui'],
  ['model'],
  ['agents', 'board', 'sessions', 'transcripts', 'worktrees'],
  ['commands'],
  ['plugins'],
  ['index'],
  ['__tests__']
];

/** Name the room of a file below src: its first folder, or `index`, or `tokens` (open to all). */
function roomOf(file, source) {
  const [first = ''] = path.relative(source, file).split(path.sep);
  return first.replace(/\.tsx?$/, '');
}

function shelfOf(room) {
  return SHELVES.findIndex(rooms => rooms.includes(room));
}

/** Say what is wrong with an import from `from` to `to`, or nothing. */
export function complaint(from, to) {
  if (from === to) {
    return null;
  }
  // tokens.ts states contracts in terms of model/ and below; every view and plugin may read it.
  const here = from === 'tokens' ? shelfOf('model') + 0.5 : shelfOf(from);
  const there = to === 'tokens' ? shelfOf('model') + 0.5 : shelfOf(to);
  if (here < 0 || there < 0) {
    return `'${here < 0 ? from : to}' stands on no shelf: add it to eslint.shelves.mjs`;
  }
  if (there < here) {
    return null;
  }
  return here === there
    ? `'${from}' and '${to}' stand on one shelf and do not know each other`
    : `'${from}' may not import '${to}', which stands on a higher shelf`;
}

export const shelves = {
  meta: { type: 'problem', schema: [], messages: { up: '{{why}}' } },
  create(context) {
    const source = path.join(context.cwd, 'src');
    const file = context.filename;
    const check = node => {
      const wanted = node.source?.value;
      if (typeof wanted !== 'string' || !wanted.startsWith('.') || !file.startsWith(source)) {
        return;
      }
      const target = path.resolve(path.dirname(file), wanted);
      if (!target.startsWith(source)) {
        return;
      }
      const why = complaint(roomOf(file, source), roomOf(target, source));
      if (why !== null && !wanted.endsWith('.css')) {
        context.report({ node, messageId: 'up', data: { why } });
      }
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check
    };
  }
};
