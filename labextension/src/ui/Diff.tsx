/** A change to one file as inline lines in the theme's diff colours; the sign says it too, not colour alone. */
import type { ReactElement } from 'react';
import { useMemo } from 'react';
import type { DiffLine } from '../domain/lineDiff';
import { countChanges, lineDiff } from '../domain/lineDiff';
import { useTrans } from './trans';

export interface DiffProps {
  readonly path: string;
  readonly oldText: string | null;
  readonly newText: string | null;
  readonly context?: number;
  /** Show at most so many lines; the rest is counted in words. */
  readonly maxLines?: number;
}

const SIGNS: Record<DiffLine['kind'], string> = { same: ' ', added: '+', removed: '−', gap: '⋯' };

export function Diff({ path, oldText, newText, context = 3, maxLines = 400 }: DiffProps): ReactElement {
  const lines = useMemo(() => lineDiff(oldText, newText, context), [oldText, newText, context]);
  return <DiffOf path={path} lines={lines} maxLines={maxLines} />;
}

export interface DiffOfProps {
  readonly path: string;
  readonly lines: readonly DiffLine[];
  readonly maxLines?: number;
}

/** A change whose lines are known already. */
export function DiffOf({ path, lines, maxLines = 400 }: DiffOfProps): ReactElement {
  const trans = useTrans();
  const { added, removed } = countChanges(lines);
  const rest = lines.length - maxLines;
  const words = ({ kind, text }: DiffLine): string => {
    const count = Number(text);
    return kind === 'gap' && text !== '' && !Number.isNaN(count)
      ? trans._n('%1 unchanged line', '%1 unchanged lines', count)
      : text;
  };
  return (
    <div className="jp-AgorDiff" role="group" aria-label={trans.__('Change of %1', path)}>
      <div className="jp-AgorDiff-head">
        <span className="jp-AgorDiff-path" title={path}>
          {path}
        </span>
        <Counts added={added} removed={removed} />
      </div>
      <div className="jp-AgorDiff-lines" tabIndex={0} role="region" aria-label={path}>
        {lines.slice(0, maxLines).map((line, index) => (
          <div key={index} className="jp-AgorDiff-line" data-kind={line.kind}>
            <span className="jp-AgorDiff-number">{line.newLine ?? line.oldLine ?? ''}</span>
            <span className="jp-AgorDiff-sign">{SIGNS[line.kind]}</span>
            <span className="jp-AgorDiff-text">{words(line)}</span>
          </div>
        ))}
        {rest > 0 && <div className="jp-AgorDiff-line">{trans._n('%1 more line', '%1 more lines', rest)}</div>}
      </div>
    </div>
  );
}

export interface CountsProps {
  readonly added: number;
  readonly removed: number;
}

/** `+12 −3`; nothing where nothing changed. */
export function Counts({ added, removed }: CountsProps): ReactElement | null {
  return added === 0 && removed === 0 ? null : (
    <span className="jp-AgorCounts">
      <ins>+{added}</ins> <del>−{removed}</del>
    </span>
  );
}
