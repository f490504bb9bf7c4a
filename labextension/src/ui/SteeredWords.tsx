/** A person's words in the running turn: like a prompt, but no turn of their own. */
import type { ReactElement } from 'react';
import { Attached } from './Attached';
import { Face } from './Face';
import { useTrans } from './trans';

export interface SteeredWordsProps {
  readonly name: string;
  readonly text: string;
  readonly attached: readonly string[];
}

export function SteeredWords({ name, text, attached }: SteeredWordsProps): ReactElement {
  const trans = useTrans();
  return (
    <div className="jp-AgorPrompt jp-mod-steered" data-testid="agor-steered">
      <Face name={name} size={20} />
      <div className="jp-AgorPrompt-words">{text}</div>
      <span className="jp-AgorAgo" title={trans.__('%1 said this while the agent worked.', name)}>
        {trans.__('meanwhile')}
      </span>
      <Attached names={attached} />
    </div>
  );
}
