/** A sub-agent's call: one line that opens what it said and did, which stand as rows of their own. */
import type { ReactElement } from 'react';
import { createContext, useContext } from 'react';
import type { ToolBlock } from '../schema/types';
import { Disclosure } from '../ui/Disclosure';
import { useTrans } from '../ui/trans';
import { ToolRow } from './ToolRows';

export interface Folding {
  readonly open: ReadonlySet<string>;
  readonly toggle: (id: string) => void;
}

/** Which sub-agents are open. They are kept here, not in the rows: a row that is out of sight is not in the page. */
export const FoldingContext = createContext<Folding>({ open: new Set(), toggle: () => undefined });

export interface AgentRowProps {
  readonly block: ToolBlock;
  readonly steps: number;
  readonly last: string;
  readonly over: boolean;
}

export function AgentRow({ block, steps, last, over }: AgentRowProps): ReactElement {
  const trans = useTrans();
  const { open, toggle } = useContext(FoldingContext);
  const works = !over && (block.status === 'pending' || block.status === 'in_progress');
  return (
    <div className="jp-AgorTools" data-testid="agor-subagent">
      <ToolRow block={block} over={over} />
      <div className="jp-AgorSubagent">
        <Disclosure open={open.has(block.id)} onToggle={() => toggle(block.id)}>
          <span className="jp-AgorThought-line" dir="auto">
            {trans._n('Sub-agent · %1 step', 'Sub-agent · %1 steps', steps)}
            {works && last !== '' && ` · ${last}`}
          </span>
        </Disclosure>
      </div>
    </div>
  );
}
