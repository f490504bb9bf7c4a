/** Boards in the main area, and their commands. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { BoardHost } from '../board/BoardHost';
import { boardCommands } from '../commands/board';
import { peopleCommands } from '../commands/people';
import { forkCommands } from '../commands/forks';
import { queueCommands } from '../commands/queue';
import { recordCommands } from '../commands/records';
import { scriptCommands } from '../commands/scripts';
import { retryCommands } from '../commands/retry';
import { sessionServerCommands } from '../commands/sessionServers';
import { sessionCommands } from '../commands/sessions';
import { register } from '../commands/table';
import { trustCommands } from '../commands/trust';
import { worktreeCommands } from '../commands/worktrees';
import { CommandIds } from '../domain/commandIds';
import { IAgorApp } from '../tokens';
import { DOMAIN } from '../ui/trans';

export const boardPlugin: JupyterFrontEndPlugin<void> = {
  id: 'agor-jupyter:board',
  description: 'Boards: worktrees as cards, zones, notes and the people who are there.',
  autoStart: true,
  requires: [IAgorApp],
  optional: [ICommandPalette, ILayoutRestorer, ITranslator],
  activate: (
    front: JupyterFrontEnd,
    app: IAgorApp,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const boards = new BoardHost(front, app, trans);
    const context = { app, boards, commands: front.commands, trans };
    register(context, palette, [
      ...boardCommands(context),
      ...worktreeCommands(context),
      ...trustCommands({ ...context, contents: front.serviceManager.contents }),
      ...sessionCommands(context),
      ...recordCommands(context),
      ...scriptCommands({ ...context, contents: front.serviceManager.contents }),
      ...retryCommands(context),
      ...sessionServerCommands(context),
      ...forkCommands(context),
      ...queueCommands(context),
      ...peopleCommands(context)
    ]);
    const selector = '.jp-AgorCanvas';
    front.commands.addKeyBinding({ command: CommandIds.undoBoard, keys: ['Accel Z'], selector });
    front.commands.addKeyBinding({ command: CommandIds.redoBoard, keys: ['Accel Shift Z'], selector });
    if (restorer !== null) {
      void restorer.restore(boards.tracker, {
        command: CommandIds.openBoard,
        args: widget => ({ board_id: widget.view.doc.id }),
        name: widget => widget.view.doc.id,
        // A board can be opened only when it is known who looks at it.
        when: app.workspace.load()
      });
    }
    void openFromAddress(front, app);
  }
};

/** An address may name the board to begin with: `?agor-board=first`, or the id of one. */
async function openFromAddress(front: JupyterFrontEnd, app: IAgorApp): Promise<void> {
  const wanted = new URLSearchParams(window.location.search).get('agor-board');
  if (wanted !== null) {
    await Promise.all([front.restored, app.workspace.load()]);
    await front.commands.execute(CommandIds.openBoard, wanted === 'first' ? {} : { board_id: wanted });
  }
}
