/** Commands about boards and what lies on them besides cards. */
import { UUID } from '@lumino/coreutils';
import { createBoard, renameBoard } from '../api/boards';
import type { BoardView } from '../board/view';
import { CommandIds } from '../domain/commandIds';
import { freePlace, nextZone } from '../domain/boardLayout';
import type { LayoutChange } from '../model/boardDoc';
import type { Board } from '../schema/types';
import { notifyDone } from '../ui/notify';
import { showShortcuts } from '../ui/shortcuts';
import { askLine } from './ask';
import type { Command, CommandContext } from './table';
import { text, textArg } from './table';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Make an id of the house's form (agor_jupyter/domain/ids.py): a prefix and 16 letters of base 32. */
export function makeId(prefix: 'zone' | 'note'): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `${prefix}_${Array.from(bytes, byte => ALPHABET[byte % 32]).join('')}`;
}

const boardArg = { board_id: text('The board; the current one when absent.') };

export function boardCommands(context: CommandContext): Command[] {
  return [...documentCommands(context), ...viewCommands(context)];
}

/** Name the board to open when none was named: the oldest; one is made where there is none. */
export async function someBoard({ app, trans }: CommandContext): Promise<Board> {
  const boards = [...app.workspace.boards.get().values()].filter(board => !board.archived);
  const [first] = boards.sort((a, b) => a.created_ms - b.created_ms);
  if (first !== undefined) {
    return first;
  }
  const board = await createBoard(app.http, trans.__('Board'), UUID.uuid4());
  app.workspace.take({ board });
  return board;
}

/**
 * Choose the board to open. A tab that JupyterLab restores may name one of another data folder, which
 * this server does not have: the oldest stands in for it, and where there is none nothing opens.
 */
async function boardToOpen(context: CommandContext, wanted: string | null): Promise<string | null> {
  const known = context.app.workspace.boards.get();
  if (wanted !== null && (known.has(wanted) || known.size === 0)) {
    return known.has(wanted) ? wanted : null;
  }
  return (await someBoard(context)).id;
}

function documentCommands(context: CommandContext): Command[] {
  const { app, boards, trans } = context;
  return [
    {
      id: CommandIds.openBoard,
      label: trans.__('Open Board'),
      args: { board_id: text('The board; the oldest when absent.'), focus: text('A card to bring into view.') },
      execute: async args => {
        const id = await boardToOpen(context, textArg(args, 'board_id'));
        if (id !== null) {
          boards.open(id, textArg(args, 'focus'));
        }
      }
    },
    {
      id: CommandIds.createBoard,
      label: trans.__('New Board…'),
      args: { name: text('The name; asked for when absent.') },
      enabled: () => app.workspace.may('write', 'agor:boards'),
      execute: async args => {
        const name = textArg(args, 'name') ?? (await askLine(trans.__('Name of the new board')));
        if (name !== null) {
          const board = await createBoard(app.http, name, UUID.uuid4());
          app.workspace.take({ board });
          boards.open(board.id);
        }
      }
    },
    {
      id: CommandIds.renameBoard,
      label: trans.__('Rename Board…'),
      args: { ...boardArg, name: text('The new name; asked for when absent.') },
      enabled: () => boards.current()?.canWrite === true,
      execute: async args => {
        const id = textArg(args, 'board_id') ?? boards.current()?.doc.id;
        const before = id === undefined ? undefined : app.workspace.boards.get().get(id);
        const name = textArg(args, 'name') ?? (await askLine(trans.__('New name of the board'), before?.name ?? ''));
        if (before !== undefined && name !== null) {
          app.workspace.take({ board: await renameBoard(app.http, before.id, name) });
        }
      }
    },
    {
      id: CommandIds.addZone,
      label: trans.__('Add Zone'),
      args: { ...boardArg, name: text('The name of the zone.') },
      enabled: () => boards.current()?.canWrite === true,
      execute: args => withBoard(context, view => addZone(view, textArg(args, 'name'), trans.__('New zone')))
    },
    {
      id: CommandIds.addNote,
      label: trans.__('Add Note'),
      args: { ...boardArg, text: text('What it says.') },
      enabled: () => boards.current()?.canWrite === true,
      execute: args => withBoard(context, view => addNote(view, textArg(args, 'text')))
    }
  ];
}

function viewCommands(context: CommandContext): Command[] {
  const { boards, trans } = context;
  const open = (): boolean => boards.current() !== null;
  const writable = (): boolean => boards.current()?.canWrite === true;
  return [
    {
      id: CommandIds.deleteSelection,
      label: trans.__('Delete Selected Zones and Notes'),
      enabled: writable,
      execute: () => withBoard(context, view => deleteSelection(context, view))
    },
    {
      id: CommandIds.undoBoard,
      label: trans.__('Undo Change of the Board'),
      enabled: writable,
      execute: () => withBoard(context, view => view.doc.undo.undo())
    },
    {
      id: CommandIds.redoBoard,
      label: trans.__('Redo Change of the Board'),
      enabled: writable,
      execute: () => withBoard(context, view => view.doc.undo.redo())
    },
    {
      id: CommandIds.fitBoard,
      label: trans.__('Show the Whole Board'),
      enabled: open,
      execute: () => withBoard(context, view => view.navigate?.fit())
    },
    {
      id: CommandIds.searchBoard,
      label: trans.__('Find a Card…'),
      enabled: open,
      execute: () => withBoard(context, view => view.searching.set(true))
    },
    {
      id: CommandIds.showShortcuts,
      label: trans.__('Keyboard Shortcuts of the Board'),
      execute: () => showShortcuts(trans)
    }
  ];
}

function withBoard<T>({ boards }: CommandContext, act: (view: BoardView) => T): T | undefined {
  const view = boards.current();
  return view === null ? undefined : act(view);
}

function addZone(view: BoardView, given: string | null, fallback: string): void {
  const zones = view.doc.zones.get();
  const order = zones.size;
  const fields = { ...nextZone(zones, view.navigate?.center() ?? [0, 0]), name: given ?? fallback, hue: (210 + order * 67) % 360, order };
  const id = makeId('zone');
  view.doc.change([{ kind: 'zones', id, fields }]);
  showNew(view, id, given);
}

/** Show what was added, and let its words be written there unless they were given. */
function showNew(view: BoardView, id: string, given: string | null): void {
  if (given === null) {
    view.write(id);
  }
  view.wanted.set(id);
}

function addNote(view: BoardView, given: string | null): void {
  const [x, y] = view.navigate?.center() ?? [0, 0];
  const { cards, notes } = view.doc.layout;
  const taken = [...cards.values(), ...notes.values()].map(({ pos }) => pos);
  const fields = { pos: freePlace(taken, [x - 100, y - 70]), size: [200, 140], text: given ?? '', hue: 48 };
  const id = makeId('note');
  view.doc.change([{ kind: 'notes', id, fields }]);
  showNew(view, id, given);
}

/** Zones and notes go at once, with a way back; cards are worktrees and are archived by their own command. */
function deleteSelection({ trans }: CommandContext, view: BoardView): void {
  const { zones, notes } = view.doc.layout;
  const changes = view.selection.get().flatMap((id): LayoutChange[] => {
    const kind = zones.has(id) ? 'zones' : notes.has(id) ? 'notes' : null;
    return kind === null ? [] : [{ kind, id, fields: null }];
  });
  if (changes.length > 0) {
    view.doc.change(changes);
    notifyDone(trans._n('Deleted %1 thing from the board.', 'Deleted %1 things from the board.', changes.length), trans, () =>
      view.doc.undo.undo()
    );
  }
}
