/** Opens the Agents view in the main area: one of it, found again instead of opened twice. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { WidgetTracker } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { AgorApp } from '../model/app';
import { AgentsWidget } from './AgentsWidget';

export class AgentsHost {
  readonly tracker = new WidgetTracker<AgentsWidget>({ namespace: 'agor-agents' });

  constructor(
    private readonly front: JupyterFrontEnd,
    private readonly app: AgorApp,
    private readonly trans: TranslationBundle
  ) {}

  open(): void {
    const widget = this.tracker.currentWidget ?? this.make();
    this.front.shell.activateById(widget.id);
  }

  private make(): AgentsWidget {
    const { workspace, own } = this.app;
    const widget = new AgentsWidget({ workspace, own, commands: this.front.commands }, this.trans);
    this.front.shell.add(widget, 'main');
    void this.tracker.add(widget);
    return widget;
  }
}
