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
  /** The zone or note whose words are being written here. */
  readonly writing = new Store<string | null>(null);
  /** What is to be brought into view and selected as soon as the canvas has drawn it. */
  readonly wanted = new Store<string | null>(null);
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

  /** Begin to write on a zone or note; what was being written elsewhere is kept first. */
  write(id: string): void {
    if (this.writing.get() !== null) {
      (document.activeElement as HTMLElement | null)?.blur();
    }
    this.writing.set(id);
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
  /** Bring a zone or note into view, near enough to be written on. */
  readonly reveal: (id: string) => void;
  /** Make one thing the only selected one. */
  readonly choose: (id: string) => void;
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
