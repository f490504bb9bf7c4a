/** The board's keys: arrows move between cards in space, Enter opens, Space selects. */
import type { KeyboardEvent } from 'react';
import type { Direction, Point } from '../domain/boardLayout';
import { neighbour } from '../domain/boardLayout';
import { CommandIds } from '../domain/commandIds';
import { byAttention } from '../domain/attention';
import type { BoardNode } from './toNodes';
import type { BoardView } from './view';

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down'
};
const STEPS: Readonly<Record<Direction, Point>> = {
  left: [-20, 0],
  right: [20, 0],
  up: [0, -20],
  down: [0, 20]
};

/** What a key on the board asks for, decided without touching anything. */
export type KeyAct =
  | { readonly act: 'focus'; readonly id: string }
  | { readonly act: 'move'; readonly id: string; readonly pos: Point }
  | { readonly act: 'open' | 'toggle'; readonly id: string }
  | { readonly act: 'run'; readonly command: string };

interface Pressed {
  readonly key: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
}

const COMMANDS: Readonly<Record<string, string>> = {
  '/': CommandIds.searchBoard,
  '?': CommandIds.showShortcuts,
  Delete: CommandIds.deleteSelection,
  Backspace: CommandIds.deleteSelection
};

/** Decide what `pressed` means while the card or note `focused` has the focus (or nothing has). */
export function keyAct(
  pressed: Pressed,
  focused: string | null,
  nodes: readonly BoardNode[],
  writable: boolean
): KeyAct | null {
  const { key } = pressed;
  if (pressed.ctrlKey || pressed.metaKey) {
    return null;
  }
  const command = COMMANDS[key];
  if (command !== undefined) {
    return { act: 'run', command };
  }
  const direction = ARROWS[key];
  const here = nodes.find(node => node.id === focused);
  if (direction !== undefined) {
    if (pressed.shiftKey && here !== undefined) {
      const [dx, dy] = STEPS[direction];
      const pos: Point = [here.position.x + dx, here.position.y + dy];
      return writable ? { act: 'move', id: here.id, pos } : null;
    }
    return focusTowards(direction, here, nodes);
  }
  if (here !== undefined && (key === 'Enter' || key === ' ')) {
    return { act: key === 'Enter' ? 'open' : 'toggle', id: here.id };
  }
  return null;
}

function focusTowards(
  direction: Direction,
  here: BoardNode | undefined,
  nodes: readonly BoardNode[]
): KeyAct | null {
  const cards = nodes.filter(node => node.type !== 'zone');
  if (here === undefined) {
    const first = [...cards].sort((a, b) => a.position.y - b.position.y || a.position.x - b.position.x)[0];
    return first === undefined ? null : { act: 'focus', id: first.id };
  }
  const places = new Map(
    [...cards, here].map((node): [string, Point] => [node.id, [node.position.x, node.position.y]])
  );
  const id = neighbour(places, here.id, direction);
  return id === null ? null : { act: 'focus', id };
}

/** Name the node that has the focus; null while a button or a field inside one has it. */
export function focusedNode(event: KeyboardEvent): string | null {
  const target = event.target as HTMLElement;
  return target.classList.contains('react-flow__node') ? (target.dataset['id'] ?? null) : null;
}

export function isTyping(event: KeyboardEvent): boolean {
  return (event.target as HTMLElement).closest('input, textarea, select, [contenteditable]') !== null;
}

/** Open the session of a card that needs somebody most; a card without one starts one. */
export function openCard(view: BoardView, worktreeId: string): void {
  const [first] = [...(view.doc.rows.get().get(worktreeId) ?? [])].sort(byAttention);
  if (first === undefined) {
    view.run(CommandIds.createSession, { worktree_id: worktreeId });
  } else {
    view.run(CommandIds.openSession, { session_id: first.id });
  }
}
