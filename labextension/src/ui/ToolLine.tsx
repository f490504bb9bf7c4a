/** A tool call as one line that opens in place: glyph, what, how many lines it changed, how long it took. */
import type { ReactElement } from 'react';
import { useState } from 'react';
import type { ToolBlock } from '../schema/types';
import { shortDuration } from './clock';
import type { CountsProps } from './Diff';
import { Counts } from './Diff';
import { Disclosure } from './Disclosure';
import { useTrans } from './trans';

const GLYPHS: Record<ToolBlock['kind'], string> = {
  read: '◇',
  edit: '✎',
  delete: '⌫',
  move: '→',
  search: '⌕',
  execute: '❯',
  think: '∴',
  fetch: '⇣',
  switch_mode: '⇄',
  other: '•'
};

export interface ToolLineProps {
  readonly kind: ToolBlock['kind'];
  readonly title: string;
  /** `stopped`: its task ended before it did. */
  readonly status: ToolBlock['status'] | 'stopped';
  readonly tookMs: number | null;
  readonly changes: CountsProps;
  /** What stands beneath it, drawn only while it is open. */
  readonly details: () => ReactElement | null;
}

export function ToolLine({ kind, title, status, tookMs, changes, details }: ToolLineProps): ReactElement {
  const trans = useTrans();
  const [open, setOpen] = useState(false);
  const word = {
    pending: trans.__('waits'),
    in_progress: trans.__('runs'),
    completed: trans.__('done'),
    failed: trans.__('failed'),
    stopped: trans.__('stopped')
  }[status];
  return (
    <div className="jp-AgorTool" data-agor-tool={kind} data-agor-status={status}>
      <Disclosure open={open} onToggle={() => setOpen(!open)}>
        <span className="jp-AgorTool-glyph" aria-hidden>
          {GLYPHS[kind]}
        </span>
        <span className="jp-AgorTool-title" title={title} dir="auto">
          {title}
        </span>
        <Counts {...changes} />
        <span className="jp-AgorTool-state">
          {status === 'completed' && tookMs !== null ? shortDuration(tookMs) : word}
        </span>
      </Disclosure>
      {open && details()}
    </div>
  );
}
