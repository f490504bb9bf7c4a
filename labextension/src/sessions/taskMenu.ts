/** The menu at a task's end: fork from here, with the files of then or in the same worktree. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { Menu } from '@lumino/widgets';
import { agentOf } from '../domain/abilities';
import { CommandIds } from '../domain/commandIds';
import { isReplayed, keptOf } from '../domain/replays';
import type { SessionView } from './view';

export interface ForkChoice {
  readonly label: string;
  readonly position: 'before' | 'after';
  readonly worktree: 'same' | 'new';
}

/** Offer the ways to fork at a task, marked where the agent will be given a transcript. */
export function forkChoices({ store, workspace }: SessionView, taskId: string, trans: TranslationBundle): ForkChoice[] {
  const choices: readonly ForkChoice[] = [
    { label: trans.__('Fork from here, files too: a new worktree'), position: 'after', worktree: 'new' },
    { label: trans.__('Fork from here, in this worktree'), position: 'after', worktree: 'same' },
    { label: trans.__('Fork before this prompt, files too: a new worktree'), position: 'before', worktree: 'new' }
  ];
  const { session, tasks } = store.get();
  const agent = agentOf(workspace.agents.get(), session);
  const me = workspace.me.get()?.person.id;
  const all = tasks.map(each => each.task);
  return choices.map(choice => {
    const replayed = session !== null && isReplayed(session, agent, me, keptOf(all, taskId, choice.position));
    return replayed ? { ...choice, label: trans.__('%1 (replayed)', choice.label) } : choice;
  });
}

/** Open the menu of an ended task below `anchor`. */
export function openTaskMenu(view: SessionView, taskId: string, trans: TranslationBundle, anchor: HTMLElement): void {
  const menu = new Menu({ commands: view.commands });
  for (const choice of forkChoices(view, taskId, trans)) {
    const args = { session_id: view.store.id, task_id: taskId, ...choice };
    menu.addItem({ command: CommandIds.forkSession, args });
  }
  const box = anchor.getBoundingClientRect();
  // A closed menu is of no use to anybody: Lumino keeps it until it is disposed.
  menu.aboutToClose.connect(() => requestAnimationFrame(() => menu.dispose()));
  menu.open(box.left, box.bottom + 2);
}
