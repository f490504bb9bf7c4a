/** Tool calls: a line each that opens in place; a long run of them is one line of its own. */
import type { ReactElement } from 'react';
import { memo, useState } from 'react';
import { countChanges, lineDiff } from '../domain/lineDiff';
import type { ToolBlock } from '../schema/types';
import { Counts, Diff } from '../ui/Diff';
import { shortDuration } from '../ui/clock';
import { useTrans } from '../ui/trans';

import { MOST_TOOLS } from './toRows';
import { Disclosure } from './Disclosure';

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

export interface ToolRowsProps {
  readonly blocks: readonly ToolBlock[];
  readonly live: boolean;
}

export const ToolRows = memo(function ToolRows({ blocks, live }: ToolRowsProps): ReactElement {
  const trans = useTrans();
  const [open, setOpen] = useState(false);
  const folded = blocks.length > MOST_TOOLS && !open;
  const shown = folded ? (live ? blocks.slice(-1) : []) : blocks;
  return (
    <div className="jp-AgorTools">
      {blocks.length > MOST_TOOLS && (
        <Disclosure open={open} onToggle={() => setOpen(!open)}>
          {trans._n('%1 step', '%1 steps', blocks.length)}
        </Disclosure>
      )}
      {shown.map(block => (
        <ToolRow key={block.id} block={block} />
      ))}
    </div>
  );
});

const ToolRow = memo(function ToolRow({ block }: { readonly block: ToolBlock }): ReactElement {
  const trans = useTrans();
  const [open, setOpen] = useState(false);
  const changes = changesOf(block);
  const word = {
    pending: trans.__('waits'),
    in_progress: trans.__('runs'),
    completed: trans.__('done'),
    failed: trans.__('failed')
  }[block.status];
  return (
    <div
      className="jp-AgorTool"
      data-agor-tool={block.kind}
      data-agor-status={block.status}
      data-nested={block.parent_tool_call_id !== null}
    >
      <Disclosure open={open} onToggle={() => setOpen(!open)}>
        <span className="jp-AgorTool-glyph" aria-hidden>
          {GLYPHS[block.kind]}
        </span>
        <span className="jp-AgorTool-title" title={block.title}>
          {block.title}
        </span>
        <Counts {...changes} />
        <span className="jp-AgorTool-state">
          {block.status === 'completed' && block.ended_ms !== null
            ? shortDuration(block.ended_ms - block.started_ms)
            : word}
        </span>
      </Disclosure>
      {open && <ToolDetails block={block} />}
    </div>
  );
});

function changesOf(block: ToolBlock): { added: number; removed: number } {
  const total = { added: 0, removed: 0 };
  for (const content of block.content) {
    if (content.type === 'diff') {
      const { added, removed } = countChanges(lineDiff(content.old_text, content.new_text));
      total.added += added;
      total.removed += removed;
    }
  }
  return total;
}

function ToolDetails({ block }: { readonly block: ToolBlock }): ReactElement {
  const trans = useTrans();
  const hasInput = Object.keys(block.input).length > 0 && block.content.every(each => each.type !== 'diff');
  return (
    <div className="jp-AgorTool-details">
      {hasInput && (
        <pre className="jp-AgorTool-input" tabIndex={0} aria-label={trans.__('Input')}>
          {JSON.stringify(block.input, null, 2)}
        </pre>
      )}
      {block.content.map((content, index) =>
        content.type === 'diff' ? (
          <Diff key={index} path={content.path} oldText={content.old_text} newText={content.new_text} />
        ) : (
          <pre key={index} className="jp-AgorTool-output" tabIndex={0} aria-label={trans.__('Output')}>
            {content.text}
            {content.type === 'terminal' && content.exit_code !== null && content.exit_code !== 0 && (
              <span className="jp-AgorTool-exit">{trans.__('\nexit code %1', content.exit_code)}</span>
            )}
          </pre>
        )
      )}
    </div>
  );
}
