/** A card's menu: the same commands that the palette has, for this card. */
import { Menu } from '@lumino/widgets';
import { CommandIds } from '../domain/commandIds';
import type { BoardView } from './view';

const ITEMS: readonly (string | null)[] = [
  CommandIds.createSession,
  CommandIds.openWorktree,
  null,
  CommandIds.archiveWorktree
];

/** Open the menu of a card below `anchor`. */
export function openCardMenu(view: BoardView, worktreeId: string, anchor: HTMLElement): void {
  const menu = new Menu({ commands: view.commands });
  for (const command of ITEMS) {
    menu.addItem(command === null ? { type: 'separator' } : { command, args: { worktree_id: worktreeId, brief: true } });
  }
  const box = anchor.getBoundingClientRect();
  // A closed menu is of no use to anybody: Lumino keeps it until it is disposed.
  menu.aboutToClose.connect(() => requestAnimationFrame(() => menu.dispose()));
  menu.open(box.left, box.bottom + 2);
}
