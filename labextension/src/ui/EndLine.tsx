/** How a task ended, in one line: why, how long, tokens in and out, what it cost, what it changed. */
import type { ReactElement } from 'react';
import type { StopReason } from '../domain/lifecycle';
import { shortCount, shortDuration } from './clock';
import { Counts } from './Diff';
import { useTrans } from './trans';

export interface EndLineProps {
  readonly stop: StopReason;
  /** Who stopped it; empty when nobody did, or it is not known. */
  readonly stoppedBy?: string;
  readonly tookMs: number | null;
  /** In and out. */
  readonly tokens: readonly [number, number];
  readonly costUsd: number | null;
  readonly changes: { readonly files: number; readonly added: number; readonly removed: number };
  /** What went wrong and the next step; empty when nothing did. */
  readonly trouble: string;
  /** What can be done from here. */
  readonly act?: ReactElement | null;
}

export function EndLine(props: EndLineProps): ReactElement {
  const { stop, stoppedBy = '', tookMs, tokens, costUsd, changes, trouble, act = null } = props;
  const trans = useTrans();
  const words: Record<StopReason, string> = {
    end_turn: trans.__('Done'),
    max_tokens: trans.__('Stopped: the answer was too long'),
    max_turn_requests: trans.__('Stopped: too many steps'),
    refusal: trans.__('The agent refused'),
    cancelled: stoppedBy === '' ? trans.__('Stopped') : trans.__('Stopped by %1', stoppedBy),
    failed: trans.__('Failed'),
    lost: trans.__('Lost')
  };
  return (
    <div className="jp-AgorEnd" data-agor-stop={stop} data-testid="agor-task-end">
      <span>{words[stop]}</span>
      {tookMs !== null && <span>{shortDuration(tookMs)}</span>}
      <span>{trans.__('%1 in · %2 out tokens', shortCount(tokens[0]), shortCount(tokens[1]))}</span>
      {costUsd !== null && <span>${costUsd.toFixed(4)}</span>}
      {changes.files > 0 && (
        <span>
          {trans._n('%1 file', '%1 files', changes.files)} <Counts {...changes} />
        </span>
      )}
      {act}
      {trouble !== '' && <p role="alert">{trouble}</p>}
    </div>
  );
}
