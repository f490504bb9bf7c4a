/** Tool calls: a line each that opens in place; a long run of them is one line of its own. */
import type { ReactElement } from 'react';
import { memo, useState } from 'react';
import { countChanges, lineDiff } from '../domain/lineDiff';
import type { ToolBlock } from '../schema/types';
import { Diff } from '../ui/Diff';
import { Disclosure } from '../ui/Disclosure';
import { ToolLine } from '../ui/ToolLine';
import { useTrans } from '../ui/trans';
import { MOST_TOOLS } from './toRows';

export interface ToolRowsProps {
  readonly blocks: readonly ToolBlock[];
  readonly live: boolean;
  /** The task has ended: what had not ended by then never will. */
  readonly over: boolean;
}

export const ToolRows = memo(function ToolRows({ blocks, live, over }: ToolRowsProps): ReactElement {
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
        <ToolRow key={block.id} block={block} over={over} />
      ))}
    </div>
  );
});

export const ToolRow = memo(function ToolRow({ block, over }: { readonly block: ToolBlock; readonly over: boolean }): ReactElement {
  const open = block.status === 'pending' || block.status === 'in_progress';
  return (
    <ToolLine
      kind={block.kind}
      title={block.title}
      status={over && open ? 'stopped' : block.status}
      tookMs={block.ended_ms === null ? null : Math.max(0, block.ended_ms - block.started_ms)}
      changes={changesOf(block)}
      details={() => <ToolDetails block={block} />}
    />
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
