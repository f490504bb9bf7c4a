/** Teammates' cursors: moved every frame towards where they point, gone after five seconds of rest. */
import { useViewport, ViewportPortal } from '@xyflow/react';
import type { ReactElement } from 'react';
import { useEffect, useRef, useState } from 'react';
import type { Point } from '../domain/boardLayout';
import type { PeerCursor } from '../model/presence';
import { sameItems, useStore } from '../model/store';
import { colorOf } from '../ui/Face';
import { useBoardView } from './view';

export const REST_MS = 5000;
/** Which part of the way is left after one 60th of a second. */
const LAG = 0.7;

/** Move `from` towards `to` as far as `elapsedMs` brings it; close enough is there. Pure. */
export function approach(from: Point, to: Point, elapsedMs: number): Point {
  const left = LAG ** (elapsedMs / (1000 / 60));
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  return Math.abs(dx) + Math.abs(dy) < 0.5 ? to : [to[0] - dx * left, to[1] - dy * left];
}

export function Cursors(): ReactElement {
  const { doc } = useBoardView();
  const { zoom } = useViewport();
  const ids = useStore(doc.presence.cursors, cursors => [...cursors.keys()], sameItems);
  return (
    <ViewportPortal>
      {ids.map(id => (
        <Cursor key={id} clientId={id} zoom={zoom} />
      ))}
    </ViewportPortal>
  );
}

function Cursor({ clientId, zoom }: { readonly clientId: number; readonly zoom: number }): ReactElement | null {
  const { presence } = useBoardView().doc;
  const cursor = useStore(presence.cursors, cursors => cursors.get(clientId));
  const element = useRef<HTMLDivElement>(null);
  const at = useRef<Point | null>(null);
  const resting = useResting(cursor);
  useEffect(() => {
    if (cursor === undefined || resting) {
      return undefined;
    }
    const still = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    let frame = 0;
    let last = performance.now();
    const step = (now: number): void => {
      at.current = still || at.current === null ? cursor.pos : approach(at.current, cursor.pos, now - last);
      last = now;
      element.current?.style.setProperty(
        'transform',
        `translate(${at.current[0]}px, ${at.current[1]}px) scale(${1 / zoom})`
      );
      // Once there, no frame is asked for until the cursor moves again.
      frame = at.current === cursor.pos ? 0 : requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
    return () => cancelAnimationFrame(frame);
  }, [cursor, zoom, resting]);
  if (cursor === undefined || resting) {
    return null;
  }
  const name = cursor.user.display_name;
  const color = colorOf(name, cursor.user.color);
  return (
    <div className="jp-AgorCursor" ref={element} data-testid="agor-cursor" data-agor-user={cursor.user.username} aria-hidden>
      <svg width="16" height="18" viewBox="0 0 16 18">
        <path d="M1 1l5.2 14.4 2.3-6 6-2.1z" fill={color} stroke="var(--jp-layout-color0)" />
      </svg>
      <span style={{ background: color }}>{name}</span>
    </div>
  );
}

/** Say whether a cursor has not moved for five seconds. */
function useResting(cursor: PeerCursor | undefined): boolean {
  const [resting, setResting] = useState(false);
  const atMs = cursor?.atMs;
  useEffect(() => {
    setResting(false);
    const timer = atMs === undefined ? undefined : setTimeout(() => setResting(true), REST_MS);
    return () => clearTimeout(timer);
  }, [atMs]);
  return resting;
}
