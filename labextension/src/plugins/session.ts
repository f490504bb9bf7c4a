/** Sessions in the main area: one widget a session, found again instead of opened twice. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette, WidgetTracker } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { register, text, textArg } from '../commands/table';
import { CommandIds } from '../domain/commandIds';
import { Drafts } from '../sessions/drafts';
import { SessionWidget } from '../sessions/SessionWidget';
import { IAgorApp } from '../tokens';
import { DOMAIN } from '../ui/trans';

export const sessionPlugin: JupyterFrontEndPlugin<void> = {
  id: 'agor-jupyter:session',
  description: 'The conversation with an agent: prompts, answers, approvals.',
  autoStart: true,
  requires: [IAgorApp, IRenderMimeRegistry],
  optional: [ICommandPalette, ILayoutRestorer, IStateDB, ITranslator],
  activate: (
    front: JupyterFrontEnd,
    app: IAgorApp,
    rendermime: IRenderMimeRegistry,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    db: IStateDB | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const tracker = new WidgetTracker<SessionWidget>({ namespace: 'agor-session' });
    const drafts = new Drafts(db);
    const loaded = drafts.load();
    const open = async (id: string): Promise<void> => {
      await loaded;
      let widget = tracker.find(each => each.view.store.id === id);
      if (widget === undefined) {
        const view = { store: app.openSession(id), workspace: app.workspace, commands: front.commands, rendermime, drafts };
        widget = new SessionWidget(view, trans);
        front.shell.add(widget, 'main', { mode: 'tab-after' });
        void tracker.add(widget);
      }
      front.shell.activateById(widget.id);
    };
    register({ commands: front.commands, trans }, palette, [
      {
        id: CommandIds.openSession,
        label: trans.__('Open Session'),
        args: { session_id: text('The session.') },
        required: ['session_id'],
        hidden: true,
        execute: args => open(textArg(args, 'session_id') ?? '')
      }
    ]);
    void restorer?.restore(tracker, {
      command: CommandIds.openSession,
      args: widget => ({ session_id: widget.view.store.id }),
      name: widget => widget.view.store.id
    });
  }
};
