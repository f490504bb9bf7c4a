/** What the parts of one board's view share: its document, the app's lists, and what this person may. */
import type { CommandRegistry } from '@lumino/commands';
import { createContext, useContext } from 'react';
import type { BoardDoc } from '../model/boardDoc';
import { Store } from '../model/store';
import type { Workspace } from '../model/workspace';

/** How much a card shows at a zoom: nothing unreadable is ever drawn. */
export type Band = 'full' | 'name' | 'block';

export function bandOf(zoom: number): Band {
  return zoom >= 0.6 ? 'full' : zoom >= 0.3 ? 'name' : 'block';
}

export class BoardView {
  readonly band = new Store<Band>('full');
  /** The zone under the card that is being dragged here. */
  readonly hovered = new Store<string | null>(null);
  /** What is selected here: ids of cards, zones and notes. */
  readonly selection = new Store<readonly string[]>([]);
  readonly searching = new Store(false);
  /** Set by the canvas while it is mounted. */
  navigate: Navigator | null = null;

  constructor(
    readonly doc: BoardDoc,
    readonly workspace: Workspace,
    readonly commands: CommandRegistry
  ) {}

  get canWrite(): boolean {
    return this.workspace.may('write', 'agor:boards');
  }

  run(command: string, args: Readonly<Record<string, string | number | boolean | null>> = {}): void {
    // A command says itself what went wrong; a view has nothing to add.
    this.commands.execute(command, { board_id: this.doc.id, ...args }).catch(console.warn);
  }
}

/** What commands may ask of the canvas. */
export interface Navigator {
  readonly fit: () => void;
  readonly focus: (id: string) => void;
  /** The middle of what is in view, in board units. */
  readonly center: () => readonly [number, number];
}

export const BoardViewContext = createContext<BoardView | null>(null);

export function useBoardView(): BoardView {
  const view = useContext(BoardViewContext);
  if (view === null) {
    throw new Error('this part belongs inside a board');
  }
  return view;
}
