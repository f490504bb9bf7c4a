/** A unified diff, read for showing. What is not understood is left out; nothing is applied. */
import type { DiffLine } from './lineDiff';

export interface FileDiff {
  readonly path: string;
  readonly lines: readonly DiffLine[];
}

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

/** Read the files of a unified diff, in order. A text cut off in the middle gives what is there. */
export function readUnifiedDiff(text: string): FileDiff[] {
  const files: { path: string; lines: DiffLine[] }[] = [];
  let [oldLine, newLine] = [0, 0];
  const all = text.split('\n');
  for (const [index, line] of all.entries()) {
    const next = all[index + 1] ?? '';
    const file = files.at(-1);
    if (line.startsWith('--- ') && next.startsWith('+++ ')) {
      files.push({ path: pathOf(line, next), lines: [] });
      continue;
    }
    if (file === undefined || (line.startsWith('+++ ') && (all[index - 1] ?? '').startsWith('--- '))) {
      continue;
    }
    const hunk = HUNK.exec(line);
    if (hunk !== null) {
      const start = Number(hunk[1]);
      const skipped = file.lines.length === 0 ? start - 1 : start - oldLine;
      [oldLine, newLine] = [start, Number(hunk[2])];
      if (skipped > 0) {
        file.lines.push({ kind: 'gap', text: String(skipped) });
      }
    } else if (line.startsWith('+')) {
      file.lines.push({ kind: 'added', text: line.slice(1), newLine });
      newLine += 1;
    } else if (line.startsWith('-')) {
      file.lines.push({ kind: 'removed', text: line.slice(1), oldLine });
      oldLine += 1;
    } else if (line.startsWith(' ')) {
      file.lines.push({ kind: 'same', text: line.slice(1), oldLine, newLine });
      oldLine += 1;
      newLine += 1;
    } else if (line !== '' && !line.startsWith('\\')) {
      // What the server said in place of lines: that they were left out, or only counted.
      file.lines.push({ kind: 'gap', text: line.replace(/^@@ | @@$/g, '') });
    }
  }
  return files;
}

function pathOf(before: string, after: string): string {
  const name = after.slice(4);
  return name === '/dev/null' ? before.slice(4) : name;
}
