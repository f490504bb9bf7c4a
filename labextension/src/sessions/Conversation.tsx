/**
 * The conversation as a virtual list: only what is near the window is in the page. It sticks to its
 * end while the reader is there, and says how much is new when they are not.
 */
import type { ReactElement } from 'react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { VirtuosoHandle } from 'react-virtuoso';
import { Virtuoso } from 'react-virtuoso';
import { useStore } from '../model/store';
import { useTrans } from '../ui/trans';
import { RowView } from './RowView';
import type { Row } from './toRows';
import { toRows } from './toRows';
import { useSessionView } from './view';

const NEAR_END_PX = 60;
const OVERSCAN_PX = 600;

const UPWARDS: ReadonlySet<string> = new Set(['ArrowUp', 'PageUp', 'Home']);

/** The list itself: a press on it is a press on its scroll bar or its ground. */
const isScroller = (target: EventTarget): boolean => (target as HTMLElement).dataset['virtuosoScroller'] === 'true';

const keyOf = (_: number, row: Row): string => row.key;
const draw = (_: number, row: Row): ReactElement => (
  <div className="jp-AgorSession-column">
    <RowView row={row} />
  </div>
);

export function Conversation(): ReactElement {
  const { store } = useSessionView();
  const trans = useTrans();
  const tasks = useStore(store, state => state.tasks);
  const rows = useMemo(() => toRows(tasks), [tasks]);
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
      className="jp-AgorSession-list"
      onWheelCapture={event => event.deltaY < 0 && leave()}
      onTouchMoveCapture={leave}
      onPointerDownCapture={event => isScroller(event.target) && leave()}
      onKeyDownCapture={event => UPWARDS.has(event.key) && isScroller(event.target) && leave()}
    >
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
      {!atEnd && (
        <button type="button" className="jp-AgorPill" onClick={toEnd}>
          {fresh > 0 ? trans.__('↓ %1 new', fresh) : trans.__('↓ to the end')}
        </button>
      )}
    </div>
  );
}
