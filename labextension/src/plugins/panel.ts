/** The side panel: what needs attention first. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { register } from '../commands/table';
import { CommandIds } from '../domain/commandIds';
import { IAgorApp } from '../tokens';
import { DOMAIN } from '../ui/trans';
import { SidePanelWidget } from '../worktrees/SidePanelWidget';

export const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: 'agor-jupyter:panel',
  description: 'The side panel with worktrees and sessions, what needs attention first.',
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
    const widget = new SidePanelWidget({ workspace: app.workspace, commands: front.commands }, trans);
    front.shell.add(widget, 'left', { rank: 150 });
    restorer?.add(widget, widget.id);
    register({ commands: front.commands, trans }, palette, [
      {
        id: CommandIds.showPanel,
        label: trans.__('Show the Agor Panel'),
        execute: () => front.shell.activateById(widget.id)
      }
    ]);
  }
};
