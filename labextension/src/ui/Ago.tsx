/** How long ago, renewed by one shared clock, the full time in the tooltip. */
import type { ReactElement } from 'react';
import { shortAgo, useNow } from './clock';

export function Ago({ atMs }: { readonly atMs: number }): ReactElement {
  const now = useNow();
  const at = new Date(atMs);
  return (
    <time className="jp-AgorAgo" dateTime={at.toISOString()} title={at.toLocaleString()}>
      {shortAgo(Math.max(0, now - atMs))}
    </time>
  );
}
