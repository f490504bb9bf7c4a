/** A session's state as a shape, a colour and a word: never a colour alone. */
import type { ReactElement } from 'react';
import type { Glyph } from '../domain/attention';
import { wordOf } from '../domain/attention';
import { useTrans } from './trans';

const CIRCLE = 'M8 2.6a5.4 5.4 0 1 0 0 10.8a5.4 5.4 0 0 0 0-10.8z';

/** `fill` shapes are solid, `line` shapes are drawn in the same colour, `cut` lines in the ground's. */
const SHAPES: Record<Glyph, { fill?: string; line?: string; cut?: string }> = {
  idle: { line: CIRCLE },
  queued: { line: `${CIRCLE}M8 5v3.2l2 1.3` },
  starting: { line: 'M8 2.6a5.4 5.4 0 0 1 5.4 5.4' },
  running: { line: 'M8 2.6a5.4 5.4 0 1 1-5.4 5.4' },
  awaiting_permission: { fill: 'M8 1.4a6.6 6.6 0 1 0 0 13.2a6.6 6.6 0 0 0 0-13.2z', cut: 'M6.3 5.4v5.2M9.7 5.4v5.2' },
  unseen: { fill: 'M8 3.2a4.8 4.8 0 1 0 0 9.6a4.8 4.8 0 0 0 0-9.6z' },
  failed: { line: 'M4 4l8 8M12 4l-8 8' },
  lost: { line: 'M6.6 4.8l1-1a2.8 2.8 0 0 1 4 4l-1 1M9.4 11.2l-1 1a2.8 2.8 0 0 1-4-4l1-1M3.2 3.2l1.4 1.4M12.8 12.8l-1.4-1.4' },
  interrupted: { line: 'M4.5 4.5h7v7h-7z' },
  archived: { line: 'M2.8 3.4h10.4v2.8H2.8zM3.8 6.2h8.4v6.4H3.8zM6.6 8.8h2.8' }
};

export interface StatusDotProps {
  readonly glyph: Glyph;
  readonly size?: number;
  /** Where the word stands beside the dot anyway, a reader should not hear it twice. */
  readonly silent?: boolean;
}

export function StatusDot({ glyph, size = 16, silent = false }: StatusDotProps): ReactElement {
  const trans = useTrans();
  const word = trans.__(wordOf(glyph));
  const { fill, line, cut } = SHAPES[glyph];
  const said = silent ? { 'aria-hidden': true } : { role: 'img', 'aria-label': word };
  return (
    <span className="jp-AgorStatus" data-agor-status={glyph} title={word} {...said}>
      <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden>
        {fill !== undefined && <path className="jp-AgorStatus-fill" d={fill} />}
        {line !== undefined && <path className="jp-AgorStatus-line" d={line} />}
        {cut !== undefined && <path className="jp-AgorStatus-cut" d={cut} />}
      </svg>
    </span>
  );
}
