/**
 * The conversation as a virtual list: only what is near the window is in the page. It sticks to its
 * end while the reader is there, and says how much is new when they are not.
 */
import type { ReactElement, RefObject } from 'react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { VirtuosoHandle } from 'react-virtuoso';
import { Virtuoso } from 'react-virtuoso';
import { useStore } from '../model/store';
import { useTrans } from '../ui/trans';
import type { Folding } from './AgentRow';
import { FoldingContext } from './AgentRow';
import { RowView } from './RowView';
import type { Row } from './toRows';
import { depthOf, toRows, unfolded } from './toRows';
import { useSessionView } from './view';

const NEAR_END_PX = 60;
const OVERSCAN_PX = 600;

const UPWARDS: ReadonlySet<string> = new Set(['ArrowUp', 'PageUp', 'Home']);

/** The list itself: a press on it is a press on its scroll bar or its ground. */
const isScroller = (target: EventTarget): boolean => (target as HTMLElement).dataset['virtuosoScroller'] === 'true';

const keyOf = (_: number, row: Row): string => row.key;
/** Deeper than this, nothing is moved in any further: a phone is narrow. */
const DEEPEST = 4;

const draw = (_: number, row: Row): ReactElement => (
  <div className="jp-AgorSession-column" data-depth={Math.min(depthOf(row), DEEPEST)}>
    <RowView row={row} />
  </div>
);

/** Keep which sub-agents are open: none is until somebody opens it. */
function useFolding(): Folding {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const toggle = useCallback((id: string) => {
    setOpen(before => new Set(before.has(id) ? [...before].filter(each => each !== id) : [...before, id]));
  }, []);
  return useMemo(() => ({ open, toggle }), [open, toggle]);
}

/** Watch the list's own height: what is asked at the foot takes room from it, and no row changes. */
function useResize(list: RefObject<HTMLElement>, resized: () => void): void {
  useEffect(() => {
    const watch = new ResizeObserver(resized);
    if (list.current !== null) {
      watch.observe(list.current);
    }
    return () => watch.disconnect();
  }, [list, resized]);
}

export function Conversation(): ReactElement {
  const { store } = useSessionView();
  const trans = useTrans();
  const tasks = useStore(store, state => state.tasks);
  const folding = useFolding();
  const rows = useMemo(() => unfolded(toRows(tasks), folding.open), [tasks, folding]);
  const list = useRef<VirtuosoHandle>(null);
  const [atEnd, setAtEnd] = useState(true);
  const [seen, setSeen] = useState(0);
  // Only a reader leaves the end. That rows grow, or come in where a task is loaded, moves nobody.
  const sticks = useRef(true);
  const toEnd = useCallback(() => {
    sticks.current = true;
    list.current?.scrollToIndex({ index: 'LAST', align: 'end' });
  }, []);
  const stay = useCallback(() => {
    if (sticks.current) {
      toEnd();
    }
  }, [toEnd]);
  useEffect(stay, [stay, rows]);
  const frame = useRef<HTMLDivElement>(null);
  const hold = useCallback(() => {
    if (sticks.current) {
      list.current?.scrollTo({ top: Number.MAX_SAFE_INTEGER }); // the list does not know its new height yet
    }
  }, []);
  useResize(frame, hold);
  const onAtEnd = (now: boolean): void => {
    sticks.current = sticks.current || now;
    setAtEnd(now);
    setSeen(rows.length);
  };
  const leave = (): void => {
    sticks.current = false;
  };
  const fresh = atEnd ? 0 : Math.max(0, rows.length - seen);
  return (
    <div
      ref={frame}
      className="jp-AgorSession-list"
      onWheelCapture={event => event.deltaY < 0 && leave()}
      onTouchMoveCapture={leave}
      onPointerDownCapture={event => isScroller(event.target) && leave()}
      onKeyDownCapture={event => UPWARDS.has(event.key) && isScroller(event.target) && leave()}
    >
      <FoldingContext.Provider value={folding}>
        <Virtuoso
          ref={list}
          data={rows}
          computeItemKey={keyOf}
          itemContent={draw}
          initialTopMostItemIndex={Math.max(0, rows.length - 1)}
          atBottomThreshold={NEAR_END_PX}
          atBottomStateChange={onAtEnd}
          totalListHeightChanged={stay}
          increaseViewportBy={OVERSCAN_PX}
          role="log"
          aria-label={trans.__('Conversation')}
          aria-live="off"
          tabIndex={0}
        />
      </FoldingContext.Provider>
      {!atEnd && (
        <button type="button" className="jp-AgorPill" onClick={toEnd}>
          {fresh > 0 ? trans.__('↓ %1 new', fresh) : trans.__('↓ to the end')}
        </button>
      )}
    </div>
  );
}
