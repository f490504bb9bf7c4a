/** The menu at a task's end: fork from here, with the files of then or in the same worktree. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { Menu } from '@lumino/widgets';
import { CommandIds } from '../domain/commandIds';
import type { SessionView } from './view';

/** Open the menu of an ended task below `anchor`. */
export function openTaskMenu(view: SessionView, taskId: string, trans: TranslationBundle, anchor: HTMLElement): void {
  const menu = new Menu({ commands: view.commands });
  const choices = [
    [trans.__('Fork from here, files too: a new worktree'), 'after', 'new'],
    [trans.__('Fork from here, in this worktree'), 'after', 'same'],
    [trans.__('Fork before this prompt, files too: a new worktree'), 'before', 'new']
  ] as const;
  for (const [label, position, worktree] of choices) {
    const args = { session_id: view.store.id, task_id: taskId, position, worktree, label };
    menu.addItem({ command: CommandIds.forkSession, args });
  }
  const box = anchor.getBoundingClientRect();
  // A closed menu is of no use to anybody: Lumino keeps it until it is disposed.
  menu.aboutToClose.connect(() => requestAnimationFrame(() => menu.dispose()));
  menu.open(box.left, box.bottom + 2);
}
