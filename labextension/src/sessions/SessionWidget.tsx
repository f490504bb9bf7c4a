/** A session as a widget of JupyterLab's main area. It owns the session's store. */
import { ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { agentIcon } from '../ui/icons';
import { Boundary } from '../ui/Boundary';
import { TransContext } from '../ui/trans';
import { SessionPanel } from './SessionPanel';
import type { SessionView } from './view';

export class SessionWidget extends ReactWidget {
  private readonly stop: () => void;

  constructor(
    readonly view: SessionView,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.id = `agor-session-${view.store.id}`;
    this.addClass('jp-AgorSessionWidget');
    this.title.icon = agentIcon;
    this.title.closable = true;
    this.title.label = trans.__('Session');
    this.stop = view.store.subscribe(() => {
      const title = view.store.get().session?.title;
      if (title !== undefined && title !== this.title.label) {
        this.title.label = title;
      }
    });
    void view.store.open();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.stop();
      super.dispose();
      this.view.store.dispose();
    }
  }

  protected override onActivateRequest(): void {
    // The first time the box is not drawn yet; who is in a dialog by then is left there.
    void (this.renderPromise ?? Promise.resolve()).then(() => {
      if (this.isVisible && document.activeElement?.closest('.jp-Dialog') === null) {
        this.node.querySelector<HTMLElement>('.jp-AgorPromptBox textarea')?.focus();
      }
    });
  }

  protected override render(): React.JSX.Element {
    return (
      <TransContext.Provider value={this.trans}>
        <Boundary trans={this.trans}>
          <SessionPanel view={this.view} />
        </Boundary>
      </TransContext.Provider>
    );
  }
}
