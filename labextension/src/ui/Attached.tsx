/** Names of the files that came with somebody's words. */
import type { ReactElement } from 'react';
import { useTrans } from './trans';

export function Attached({ names }: { readonly names: readonly string[] }): ReactElement | null {
  const trans = useTrans();
  return names.length === 0 ? null : (
    <ul className="jp-AgorChips" aria-label={trans.__('Attached files')}>
      {names.map((name, index) => (
        <li key={`${index} ${name}`} className="jp-AgorChip" title={name}>
          <span>{name}</span>
        </li>
      ))}
    </ul>
  );
}
