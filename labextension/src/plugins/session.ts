/** Sessions in the main area: one widget a session, found again instead of opened twice. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { panelCommands } from '../commands/panels';
import { register } from '../commands/table';
import { CommandIds } from '../domain/commandIds';
import { Drafts } from '../sessions/drafts';
import { SessionHost } from '../sessions/SessionHost';
import { IAgorApp } from '../tokens';
import { DOMAIN } from '../ui/trans';

export const sessionPlugin: JupyterFrontEndPlugin<void> = {
  id: 'agor-jupyter:session',
  description: 'The conversation with an agent: prompts, answers, approvals.',
  autoStart: true,
  requires: [IAgorApp, IRenderMimeRegistry],
  optional: [ICommandPalette, ILayoutRestorer, ITranslator],
  activate: (
    front: JupyterFrontEnd,
    app: IAgorApp,
    rendermime: IRenderMimeRegistry,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const drafts = new Drafts(shelf(), `agor-jupyter:drafts:${front.serviceManager.serverSettings.baseUrl}`);
    window.addEventListener('pagehide', () => drafts.flush());
    const sessions = new SessionHost(front, app, { rendermime, drafts, trans });
    const { tracker } = sessions;
    register({ commands: front.commands, trans }, palette, panelCommands({ app, sessions, trans }));
    void restorer?.restore(tracker, {
      command: CommandIds.openSession,
      args: widget => ({ session_id: widget.view.store.id }),
      name: widget => widget.view.store.id
    });
  }
};

/** A browser may keep nothing, and says so only when it is asked. */
function shelf(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}
