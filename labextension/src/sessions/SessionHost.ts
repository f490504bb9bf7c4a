/** Opens sessions in the main area: one widget a session, found again instead of opened twice. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { WidgetTracker } from '@jupyterlab/apputils';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { AgorApp } from '../model/app';
import type { Drafts } from './drafts';
import type { Part } from './SessionWidget';
import { SessionWidget } from './SessionWidget';

export interface SessionParts {
  readonly rendermime: IRenderMimeRegistry;
  readonly drafts: Drafts;
  readonly trans: TranslationBundle;
}

export class SessionHost {
  readonly tracker = new WidgetTracker<SessionWidget>({ namespace: 'agor-session' });

  constructor(
    private readonly front: JupyterFrontEnd,
    private readonly app: AgorApp,
    private readonly parts: SessionParts
  ) {
    this.tracker.currentChanged.connect((_, widget) => app.current.set(widget?.view.store.id ?? null));
  }

  /** Open a session and bring it to the front; `part` takes the keyboard instead of the prompt. */
  open(id: string, part: Part = 'prompt'): void {
    const widget = this.tracker.find(each => each.view.store.id === id) ?? this.make(id);
    widget.part = part;
    this.front.shell.activateById(widget.id);
  }

  private make(id: string): SessionWidget {
    const { rendermime, drafts, trans } = this.parts;
    const view = {
      store: this.app.openSession(id),
      workspace: this.app.workspace,
      commands: this.front.commands,
      rendermime,
      drafts
    };
    const widget = new SessionWidget(view, trans, shown =>
      this.app.inView.update(ids => [...ids.filter(each => each !== id), ...(shown ? [id] : [])])
    );
    this.front.shell.add(widget, 'main', { mode: 'tab-after' });
    void this.tracker.add(widget);
    return widget;
  }
}
