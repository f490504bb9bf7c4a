/** A session's menu: the same commands that the palette has, for this session. */
import { Menu } from '@lumino/widgets';
import { CommandIds } from '../domain/commandIds';
import type { SessionView } from './view';

const ITEMS: readonly (string | null)[] = [
  CommandIds.retryPrompt,
  null,
  CommandIds.renameSession,
  CommandIds.forkSession,
  CommandIds.changeAgent,
  null,
  CommandIds.showSessionServers,
  CommandIds.restartAgent,
  null,
  CommandIds.rebuildTranscript,
  CommandIds.saveScript,
  null,
  CommandIds.archiveSession
];

/** Open the menu below `anchor`. */
export function openSessionMenu(view: SessionView, anchor: HTMLElement): void {
  const menu = new Menu({ commands: view.commands });
  for (const command of ITEMS) {
    const args = { session_id: view.store.id, brief: true };
    menu.addItem(command === null ? { type: 'separator' } : { command, args });
  }
  openBelow(menu, anchor);
}

export function openBelow(menu: Menu, anchor: HTMLElement): void {
  const box = anchor.getBoundingClientRect();
  // A closed menu is of no use to anybody: Lumino keeps it until it is disposed.
  menu.aboutToClose.connect(() => requestAnimationFrame(() => menu.dispose()));
  menu.open(box.left, box.bottom + 2);
}
