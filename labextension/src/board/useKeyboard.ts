/** Perform what `keyAct` decides. */
import { useReactFlow } from '@xyflow/react';
import type { KeyboardEvent } from 'react';
import { useCallback, useRef } from 'react';
import { UUID } from '@lumino/coreutils';
import type { Point } from '../domain/boardLayout';
import { notifyProblem } from '../ui/notify';
import type { KeyAct } from './keyboard';
import { focusedNode, isTyping, keyAct, openCard } from './keyboard';
import type { BoardNode } from './toNodes';
import type { BoardView } from './view';

/** A card that is walked with the keys is dropped once, when it rests. */
const REST_MS = 400;

export function useKeyboard(view: BoardView): (event: KeyboardEvent) => void {
  const flow = useReactFlow<BoardNode>();
  const move = useKeyMoves(view);
  const perform = useCallback(
    (act: KeyAct): void => {
      switch (act.act) {
        case 'focus':
          view.navigate?.focus(act.id);
          break;
        case 'toggle':
          flow.setNodes(nodes =>
            nodes.map(node => (node.id === act.id ? { ...node, selected: node.selected !== true } : node))
          );
          break;
        case 'move':
          move(act.id, act.pos);
          break;
        case 'open':
          if (view.doc.worktrees.get().has(act.id)) {
            openCard(view, act.id);
          }
          break;
        case 'run':
          view.run(act.command);
      }
    },
    [flow, view, move]
  );
  return useCallback(
    (event: KeyboardEvent): void => {
      const focused = focusedNode(event);
      const onButton = focused === null && (event.target as HTMLElement).closest('button, a') !== null;
      if (isTyping(event) || (onButton && (event.key === 'Enter' || event.key === ' '))) {
        return;
      }
      const act = keyAct(event, focused, flow.getNodes(), view.canWrite);
      if (act !== null) {
        event.preventDefault();
        event.stopPropagation();
        perform(act);
      }
    },
    [flow, perform, view]
  );
}

function useKeyMoves(view: BoardView): (id: string, pos: Point) => void {
  const timer = useRef<ReturnType<typeof setTimeout>>();
  return useCallback(
    (id: string, pos: Point) => {
      const kind = view.doc.zones.get().has(id) ? 'zones' : view.doc.notes.get().has(id) ? 'notes' : null;
      if (kind !== null) {
        view.doc.change([{ kind, id, fields: { pos: [...pos] } }]);
        return;
      }
      view.doc.held.update(held => new Map(held).set(id, pos));
      clearTimeout(timer.current);
      timer.current = setTimeout(() => {
        view.doc.drop(id, pos, UUID.uuid4()).catch((error: unknown) => notifyProblem(error));
      }, REST_MS);
    },
    [view]
  );
}
