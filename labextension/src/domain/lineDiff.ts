/** The difference of two texts by lines, for showing: what stays, goes and comes. Not a patch format. */

export interface DiffLine {
  readonly kind: 'same' | 'added' | 'removed' | 'gap';
  readonly text: string;
  /** Line numbers from 1, where the line exists on that side. */
  readonly oldLine?: number;
  readonly newLine?: number;
}

/** Above this many cells the middle is shown as replaced: a diff must never freeze the page. */
const MOST_CELLS = 1_000_000;

const linesOf = (text: string | null): string[] => {
  if (text === null || text === '') {
    return [];
  }
  const lines = text.split('\n');
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
};

/** Compare two texts; `context` unchanged lines are kept around each change, the rest become gaps. */
export function lineDiff(before: string | null, after: string | null, context = 3): DiffLine[] {
  const [a, b] = [linesOf(before), linesOf(after)];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) {
    head += 1;
  }
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) {
    tail += 1;
  }
  const middle = middleDiff(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  const kinds: DiffLine['kind'][] = [
    ...Array<'same'>(head).fill('same'),
    ...middle,
    ...Array<'same'>(tail).fill('same')
  ];
  return withGaps(numbered(kinds, a, b), context);
}

/** Count the lines that come and go. */
export function countChanges(lines: readonly DiffLine[]): { added: number; removed: number } {
  const count = (kind: DiffLine['kind']): number => lines.filter(line => line.kind === kind).length;
  return { added: count('added'), removed: count('removed') };
}

/** The longest common subsequence by the usual table; removals stand before additions. */
function middleDiff(a: readonly string[], b: readonly string[]): DiffLine['kind'][] {
  const [rows, columns] = [a.length, b.length];
  if (rows * columns > MOST_CELLS || rows * columns === 0) {
    return [...a.map(() => 'removed' as const), ...b.map(() => 'added' as const)];
  }
  const width = columns + 1;
  const longest = new Uint32Array((rows + 1) * width);
  const at = (row: number, column: number): number => longest[row * width + column] ?? 0;
  for (let row = rows - 1; row >= 0; row -= 1) {
    for (let column = columns - 1; column >= 0; column -= 1) {
      longest[row * width + column] =
        a[row] === b[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const kinds: DiffLine['kind'][] = [];
  let [row, column] = [0, 0];
  while (row < rows || column < columns) {
    if (row < rows && column < columns && a[row] === b[column]) {
      kinds.push('same');
      row += 1;
      column += 1;
    } else if (row < rows && (column === columns || at(row + 1, column) >= at(row, column + 1))) {
      kinds.push('removed');
      row += 1;
    } else {
      kinds.push('added');
      column += 1;
    }
  }
  return kinds;
}

function numbered(kinds: readonly DiffLine['kind'][], a: readonly string[], b: readonly string[]): DiffLine[] {
  let [row, column] = [0, 0];
  return kinds.map(kind => {
    const line: DiffLine =
      kind === 'added'
        ? { kind, text: b[column] ?? '', newLine: column + 1 }
        : kind === 'removed'
          ? { kind, text: a[row] ?? '', oldLine: row + 1 }
          : { kind, text: a[row] ?? '', oldLine: row + 1, newLine: column + 1 };
    row += kind === 'added' ? 0 : 1;
    column += kind === 'removed' ? 0 : 1;
    return line;
  });
}

function withGaps(lines: readonly DiffLine[], context: number): DiffLine[] {
  const near = new Uint8Array(lines.length);
  lines.forEach((line, index) => {
    if (line.kind !== 'same') {
      near.fill(1, Math.max(0, index - context), index + context + 1);
    }
  });
  const found: DiffLine[] = [];
  let skipped = 0;
  const close = (): void => {
    if (skipped > 0) {
      found.push({ kind: 'gap', text: String(skipped) });
      skipped = 0;
    }
  };
  lines.forEach((line, index) => {
    if (near[index] === 1) {
      close();
      found.push(line);
    } else {
      skipped += 1;
    }
  });
  close();
  return found;
}
