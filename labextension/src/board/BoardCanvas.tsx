/** The canvas: React Flow over the board's document. It draws and reports; it decides nothing. */
import type { NodeTypes } from '@xyflow/react';
import { Background, BackgroundVariant, MiniMap, ReactFlow, SelectionMode, useReactFlow } from '@xyflow/react';
import type { MutableRefObject, PointerEvent, ReactElement, RefObject, SyntheticEvent } from 'react';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import { CARD_HEIGHT, CARD_WIDTH } from '../domain/boardLayout';
import { glyphOfTree } from '../domain/attention';
import { useStore, useValue } from '../model/store';
import { useTrans } from '../ui/trans';
import { Cursors } from './Cursors';
import { NoteNode } from './nodes/NoteNode';
import { WorktreeNode } from './nodes/WorktreeNode';
import { ZoneNode } from './nodes/ZoneNode';
import { toEdges } from './toEdges';
import type { BoardNode } from './toNodes';
import { useBoardNodes } from './useBoardNodes';
import { useKeyboard } from './useKeyboard';
import type { BoardView } from './view';
import { bandOf, useBoardView } from './view';

const NODE_TYPES: NodeTypes = { worktree: WorktreeNode, zone: ZoneNode, note: NoteNode };
/** Above this many nodes only what is in view is in the page. */
const MANY_NODES = 80;
/** A card from farthest off: still a block with a colour and a glyph. More cards than fit are panned to. */
const LEAST_ZOOM = 0.12;
/** Below this the names of zones cannot be read, however large they are drawn. */
const DUST_ZOOM = 0.16;
/** From here on words can be read. */
const NEAR_ZOOM = 0.6;
const FIT = { padding: 0.12, maxZoom: 1, minZoom: LEAST_ZOOM } as const;

export function BoardCanvas(): ReactElement {
  const trans = useTrans();
  const view = useBoardView();
  const frame = useRef<HTMLDivElement>(null);
  const { nodes, onNodesChange } = useBoardNodes(view);
  const writable = useStore(view.workspace.me, () => view.canWrite);
  const sessions = useValue(view.doc.sessions);
  const edges = useMemo(() => toEdges(sessions), [sessions]);
  const onKeyDown = useKeyboard(view);
  const track = useCursor(view);
  const ground = useGroundClicks();
  const touched = useFirstFit(frame, nodes.length > 0);
  useNavigator(view, frame);
  useWanted(view, nodes);
  useBand(view, frame);
  return (
    <div
      ref={frame}
      className="jp-AgorCanvas"
      data-testid="agor-canvas"
      tabIndex={0}
      role="group"
      aria-label={trans.__('Board: arrow keys move between cards, Enter opens, question mark lists shortcuts')}
      onKeyDown={onKeyDown}
      onPointerMoveCapture={track.onMove}
      onPointerLeave={track.onLeave}
      onPointerDownCapture={ground.onPress}
      onClickCapture={ground.onClick}
    >
      <ReactFlow<BoardNode>
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        onNodesChange={onNodesChange}
        onMoveStart={event => {
          touched.current = touched.current || event !== null;
          frame.current?.setAttribute('data-moving', '');
        }}
        onMove={(_, { zoom }) => {
          view.band.set(bandOf(zoom));
          frame.current?.toggleAttribute('data-far', zoom < DUST_ZOOM);
        }}
        onMoveEnd={() => frame.current?.removeAttribute('data-moving')}
        nodesDraggable={writable}
        nodesConnectable={false}
        edgesFocusable={false}
        disableKeyboardA11y
        elevateNodesOnSelect={false}
        deleteKeyCode={null}
        selectionMode={SelectionMode.Partial}
        onlyRenderVisibleElements={nodes.length > MANY_NODES}
        zoomOnDoubleClick={false}
        minZoom={LEAST_ZOOM}
        maxZoom={2}
        // Above 0 the way to the threshold is lost; what a click's hand shakes is taken back at its end.
        nodeDragThreshold={0}
        proOptions={{ hideAttribution: true }}
      >
        <Background variant={BackgroundVariant.Dots} gap={24} size={1.2} color="var(--jp-border-color2)" />
        {nodes.length > 0 && <Map />}
        <Cursors />
      </ReactFlow>
    </div>
  );
}

function Map(): ReactElement {
  const trans = useTrans();
  const { doc } = useBoardView();
  const colorOf = useCallback(
    (node: BoardNode) =>
      node.type === 'worktree'
        ? `var(--jp-agor-map-${glyphOfTree(doc.worktrees.get().get(node.id)?.state ?? '', doc.rows.get().get(node.id) ?? [])}, var(--jp-border-color1))`
        : 'var(--jp-layout-color2)',
    [doc]
  );
  return (
    <MiniMap<BoardNode>
      pannable
      zoomable
      position="bottom-right"
      ariaLabel={trans.__('Overview of the board')}
      nodeColor={colorOf}
      bgColor="var(--jp-layout-color1)"
      style={{ width: 168, height: 112 }}
      maskColor="color-mix(in srgb, var(--jp-layout-color2) 60%, transparent)"
    />
  );
}

interface Tracker {
  readonly onMove: (event: PointerEvent) => void;
  readonly onLeave: () => void;
}

/** Tell the others where this pointer is. On capture: React Flow stops mouse events while it drags. */
function useCursor(view: BoardView): Tracker {
  const flow = useReactFlow<BoardNode>();
  return useMemo(
    () => ({
      onMove: event => {
        const { x, y } = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY }, { snapToGrid: false });
        view.doc.presence.setCursor([x, y]);
      },
      onLeave: () => view.doc.presence.setCursor(null)
    }),
    [flow, view]
  );
}

interface GroundClicks {
  readonly onPress: (event: SyntheticEvent) => void;
  readonly onClick: (event: SyntheticEvent) => void;
}

const isGround = (target: EventTarget | null): boolean => target instanceof Element && target.matches('.react-flow__pane');

/**
 * Take for a click on the ground, which chooses nothing, only what began there. When the view moves under a
 * press, as it does while a board comes, the browser gives the ground the click of the card that was pressed.
 */
function useGroundClicks(): GroundClicks {
  const pressed = useRef<EventTarget | null>(null);
  return useMemo(
    () => ({
      onPress: ({ target }) => {
        pressed.current = target;
      },
      onClick: event => {
        if (isGround(event.target) && !isGround(pressed.current)) {
          event.stopPropagation();
        }
      }
    }),
    []
  );
}

/** Tell the style sheet how far away we are: no component need be drawn again for that. */
function useBand(view: BoardView, frame: RefObject<HTMLDivElement>): void {
  useEffect(() => {
    const show = (): void => {
      frame.current?.setAttribute('data-band', view.band.get());
    };
    show();
    return view.band.subscribe(show);
  }, [view, frame]);
}

/** Show everything when the first cards are there and while the room changes, until a hand moves the view. */
function useFirstFit(frame: RefObject<HTMLDivElement>, filled: boolean): MutableRefObject<boolean> {
  const flow = useReactFlow<BoardNode>();
  const touched = useRef(false);
  useEffect(() => {
    if (!filled || frame.current === null) {
      return undefined;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const fit = (): void => {
      clearTimeout(timer);
      // The nodes must be measured first; React Flow does that in the frame after they are drawn.
      timer = setTimeout(() => {
        if (!touched.current) {
          void flow.fitView(FIT);
        }
      }, 60);
    };
    fit();
    const observer = new ResizeObserver(fit);
    observer.observe(frame.current);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
    };
  }, [filled, flow, frame]);
  return touched;
}

/** Let commands move the view. */
function useNavigator(view: BoardView, frame: RefObject<HTMLDivElement>): void {
  const flow = useReactFlow<BoardNode>();
  useEffect(() => {
    const still = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    const duration = still ? 0 : 160;
    const focusElement = (id: string): void =>
      frame.current?.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"]`)?.focus();
    view.navigate = {
      fit: () => void flow.fitView({ ...FIT, duration }),
      choose: id =>
        flow.setNodes(nodes =>
          nodes.map(node => ((node.selected === true) === (node.id === id) ? node : { ...node, selected: node.id === id }))
        ),
      reveal: id => {
        const node = flow.getNode(id);
        const near = bandOf(flow.getZoom()) === 'full';
        if (node !== undefined && !(near && flow.isNodeIntersecting(node, viewport(flow, frame), false))) {
          void flow.fitView({ nodes: [{ id }], padding: 0.2, maxZoom: Math.max(flow.getZoom(), NEAR_ZOOM), duration });
        }
      },
      center: () => {
        const box = frame.current?.getBoundingClientRect() ?? new DOMRect();
        const { x, y } = flow.screenToFlowPosition({ x: box.left + box.width / 2, y: box.top + box.height / 2 });
        return [Math.round(x), Math.round(y)];
      },
      focus: id => {
        const node = flow.getNode(id);
        if (node === undefined) {
          return;
        }
        const [width, height] = [node.measured?.width ?? CARD_WIDTH, node.measured?.height ?? CARD_HEIGHT];
        const inView = flow.isNodeIntersecting(node, viewport(flow, frame), false);
        if (!inView) {
          void flow.setCenter(node.position.x + width / 2, node.position.y + height / 2, {
            zoom: flow.getZoom(),
            duration
          });
        }
        // A card out of view may not be in the page yet.
        requestAnimationFrame(() => requestAnimationFrame(() => focusElement(id)));
      }
    };
    return () => {
      view.navigate = null;
    };
  }, [flow, view, frame]);
}

/** Show what a command has made or named, once it is drawn. Written words keep the focus. */
function useWanted(view: BoardView, nodes: readonly BoardNode[]): void {
  const wanted = useValue(view.wanted);
  const drawn = wanted !== null && nodes.some(node => node.id === wanted);
  useEffect(() => {
    if (wanted === null || !drawn) {
      return;
    }
    view.wanted.set(null);
    view.navigate?.choose(wanted);
    if (view.writing.get() === wanted) {
      view.navigate?.reveal(wanted);
    } else {
      view.navigate?.focus(wanted);
    }
  }, [view, wanted, drawn]);
}

function viewport(
  flow: ReturnType<typeof useReactFlow<BoardNode>>,
  frame: RefObject<HTMLDivElement>
): { x: number; y: number; width: number; height: number } {
  const box = frame.current?.getBoundingClientRect() ?? new DOMRect();
  const { x, y } = flow.screenToFlowPosition({ x: box.left, y: box.top });
  const zoom = flow.getZoom();
  return { x, y, width: box.width / zoom, height: box.height / zoom };
}
