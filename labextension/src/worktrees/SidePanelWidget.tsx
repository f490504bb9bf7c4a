/** The side panel as a widget; its tab carries the badge. */
import { ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { countWaiting } from '../model/attention';
import { boardIcon } from '../ui/icons';
import { TransContext } from '../ui/trans';
import type { Panel } from './SidePanel';
import { SidePanel } from './SidePanel';

export class SidePanelWidget extends ReactWidget {
  constructor(
    private readonly panel: Panel,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.id = 'agor-panel';
    this.addClass('jp-AgorPanelWidget');
    this.title.icon = boardIcon;
    const { workspace } = panel;
    this.showWaiting();
    this.disposed.connect(workspace.sessions.subscribe(() => this.showWaiting()));
    this.disposed.connect(workspace.me.subscribe(() => this.showWaiting()));
  }

  protected override render(): React.JSX.Element {
    return (
      <TransContext.Provider value={this.trans}>
        <SidePanel panel={this.panel} />
      </TransContext.Provider>
    );
  }

  /** The badge is the tab's dataset and a style: the number stands on the icon wherever the tab is drawn. */
  private showWaiting(): void {
    const count = countWaiting(this.panel.workspace);
    const words = this.trans._n('%1 session waits for you', '%1 sessions wait for you', count);
    this.title.caption = count === 0 ? this.trans.__('Agor') : `${this.trans.__('Agor')}: ${words}`;
    this.title.className = count === 0 ? '' : 'jp-AgorTab-mod-waiting';
    // JupyterLab keeps the widget's id in the dataset too: what stands there must stay.
    this.title.dataset = { ...this.title.dataset, 'agor-waiting': count > 99 ? '99+' : String(count) };
  }
}
