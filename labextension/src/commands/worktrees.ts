/** Commands about repositories and worktrees. */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import { archiveWorktree } from '../api/repos';
import { ProblemError } from '../api/problem';
import { CommandIds } from '../domain/commandIds';
import type { Worktree } from '../schema/types';
import { askRepo } from '../worktrees/dialogs/addRepo';
import { askWorktree } from '../worktrees/dialogs/newWorktree';
import { someBoard } from './board';
import type { Args, Command, CommandContext } from './table';
import { text, textArg } from './table';
import { needWorktree, targetOf } from './targets';

const worktreeArg = { worktree_id: text('The worktree; the one in front of you when absent.') };

export function worktreeCommands(context: CommandContext): Command[] {
  const { app, commands, trans } = context;
  const mayMake = (): boolean => app.workspace.may('write', 'agor:worktrees');
  return [
    {
      id: CommandIds.addRepo,
      label: trans.__('Add Repository…'),
      enabled: mayMake,
      execute: async () => {
        const repo = await askRepo(app.workspace, trans);
        if (repo !== null && app.workspace.worktrees.get().size === 0) {
          // The first repository leads on to the first worktree: that is what it is for.
          await commands.execute(CommandIds.createWorktree, {});
        }
        return repo;
      }
    },
    {
      id: CommandIds.createWorktree,
      label: trans.__('New Worktree…'),
      args: { board_id: text('The board it is put on; the current one when absent.') },
      enabled: mayMake,
      execute: args => createWorktree(context, args)
    },
    {
      id: CommandIds.openWorktree,
      label: trans.__('Open Worktree in the File Browser'),
      brief: trans.__('Open in File Browser'),
      args: worktreeArg,
      enabled: args => app.workspace.worktrees.get().has(targetOf(context, args).worktree ?? ''),
      execute: async args => {
        const worktree = needWorktree(context, args);
        if (worktree.lab_path === null) {
          throw new ProblemError(
            {
              detail: trans.__('%1 lies outside the folder that JupyterLab shows.', worktree.path),
              hint: trans.__('Work goes on there all the same; a terminal can open it.')
            },
            0
          );
        }
        await commands.execute('filebrowser:go-to-path', { path: worktree.lab_path });
      }
    },
    {
      id: CommandIds.archiveWorktree,
      label: trans.__('Archive Worktree…'),
      brief: trans.__('Archive…'),
      args: worktreeArg,
      enabled: args => mayMake() && app.workspace.worktrees.get().has(targetOf(context, args).worktree ?? ''),
      execute: args => archive(context, needWorktree(context, args))
    }
  ];
}

async function createWorktree(context: CommandContext, args: Args): Promise<Worktree | null> {
  const { app, boards, commands, trans } = context;
  if (app.workspace.repos.get().size === 0) {
    await commands.execute(CommandIds.addRepo, {});
    return null;
  }
  const wanted = textArg(args, 'board_id') ?? boards.current()?.doc.id;
  const boardId = wanted ?? (await someBoard(context)).id;
  const worktree = await askWorktree(app.workspace, { boardId }, trans);
  if (worktree !== null) {
    boards.open(boardId, worktree.id);
  }
  return worktree;
}

async function archive({ app, trans }: CommandContext, worktree: Worktree): Promise<void> {
  const answer = await showDialog({
    title: trans.__('Archive “%1”?', worktree.name),
    body: trans.__('The card leaves the board. Every file and the branch %1 stay where they are.', worktree.branch),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: trans.__('Archive worktree') })
    ]
  });
  if (answer.button.accept) {
    await archiveWorktree(app.http, worktree.id);
    app.workspace.take({ worktree: { ...worktree, state: 'archived' } });
  }
}
