/** The canvas's nodes, kept in step with the document; what the mouse did goes back as operations. */
import type { NodeChange } from '@xyflow/react';
import { applyNodeChanges, useReactFlow } from '@xyflow/react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { glyphOfTree, wordOf } from '../domain/attention';
import type { Point } from '../domain/boardLayout';
import { zoneAt } from '../domain/boardLayout';
import { markNews, newsOf } from '../model/news';
import { sameItems, useStore, useValue } from '../model/store';
import { notifyProblem } from '../ui/notify';
import { useTrans } from '../ui/trans';
import { UUID } from '@lumino/coreutils';
import type { Operations } from './changes';
import { operationsOf, steady } from './changes';
import type { BoardInput, BoardNode, NodeKind } from './toNodes';
import { toNodes } from './toNodes';
import type { BoardView } from './view';

/** A hand that clicks may shake by this many pixels. */
const SHAKE = 3;

export interface BoardNodes {
  readonly nodes: BoardNode[];
  readonly onNodesChange: (changes: NodeChange<BoardNode>[]) => void;
}

export function useBoardNodes(view: BoardView): BoardNodes {
  const flow = useReactFlow<BoardNode>();
  const input = useBoardInput(view);
  const [nodes, setNodes] = useState<BoardNode[]>([]);
  const latest = useRef(nodes);
  useEffect(() => {
    setNodes(before => toNodes(input, before));
  }, [input]);
  useEffect(() => {
    latest.current = nodes;
    const selected = nodes.filter(node => node.selected === true).map(node => node.id);
    if (!sameItems(selected, view.selection.get())) {
      view.selection.set(selected);
      view.doc.presence.setSelection(selected);
    }
  }, [nodes, view]);
  const perform = usePerform(view);
  const onNodesChange = useCallback(
    (reported: NodeChange<BoardNode>[]) => {
      const changes = steady(reported, SHAKE / flow.getZoom(), id => placeOf(view, id));
      const before = new Map(latest.current.map(node => [node.id, node]));
      perform(operationsOf(changes, before, id => placeOf(view, id)));
      latest.current = applyNodeChanges(changes, latest.current);
      setNodes(present => applyNodeChanges(changes, present));
    },
    [perform, view, flow]
  );
  return { nodes, onNodesChange };
}

function useBoardInput(view: BoardView): BoardInput {
  const { doc } = view;
  const trans = useTrans();
  const cards = useValue(doc.cards);
  const zones = useValue(doc.zones);
  const notes = useValue(doc.notes);
  const held = useValue(doc.held);
  const drags = useValue(doc.presence.drags);
  const worktreeIds = useStore(doc.worktrees, items => [...items.keys()], sameItems);
  const labels = useValue(doc.rows);
  const me = useStore(view.workspace.me, each => each?.person.id);
  const news = useStore(view.workspace.seen, () => newsOf([...labels.values()].flat(), me, view.workspace.seen), sameItems);
  const writable = useStore(view.workspace.me, () => view.canWrite);
  return useMemo(() => {
    const labelOf = (id: string, kind: NodeKind): string => {
      if (kind !== 'worktree') {
        return kind === 'zone' ? trans.__('Zone %1', zones.get(id)?.name ?? '') : trans.__('Note');
      }
      const card = doc.worktrees.get().get(id);
      const glyph = glyphOfTree(card?.state ?? '', markNews(labels.get(id) ?? [], news));
      return trans.__('Worktree %1, %2', card?.name ?? '', trans.__(wordOf(glyph)));
    };
    return { layout: { cards, zones, notes }, worktreeIds, held, drags, writable, labelOf };
  }, [cards, zones, notes, worktreeIds, held, drags, writable, labels, news, doc, trans]);
}

function placeOf(view: BoardView, id: string): Point | undefined {
  const { cards, zones, notes } = view.doc.layout;
  return (cards.get(id) ?? zones.get(id) ?? notes.get(id))?.pos;
}

/** Perform what a batch of changes amounts to: presence at once, drops through the server. */
function usePerform(view: BoardView): (operations: Operations) => void {
  const trans = useTrans();
  return useCallback(
    ({ drops, layout, drag }: Operations) => {
      if (drag !== undefined) {
        view.doc.presence.setDrag(drag);
        const isCard = drag !== null && view.doc.worktrees.get().has(drag.id);
        view.hovered.set(isCard ? zoneAt(view.doc.zones.get(), drag.pos) : null);
      }
      if (layout.length > 0) {
        view.doc.change(layout);
      }
      for (const { id, pos } of drops) {
        view.doc
          .drop(id, pos, UUID.uuid4())
          .catch((error: unknown) => notifyProblem(error, trans.__('Moving the card')));
      }
    },
    [view, trans]
  );
}
