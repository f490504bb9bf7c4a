/** A session as a widget of JupyterLab's main area. It owns the session's store. */
import { ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { agentIcon } from '../ui/icons';
import { Boundary } from '../ui/Boundary';
import { TransContext } from '../ui/trans';
import { SessionPanel } from './SessionPanel';
import type { SessionView } from './view';

/** What takes the keyboard when the panel is shown; `attach` opens the choice of files. */
export type Part = 'prompt' | 'ask' | 'attach';

const PARTS: Record<Part, string> = {
  prompt: '.jp-AgorPromptBox textarea',
  ask: '.jp-AgorAsk',
  attach: '.jp-AgorPromptBox .jp-AgorAttach'
};
/** How long a panel that has just been opened may take to show what is asked. */
const PART_MS = 5000;

export class SessionWidget extends ReactWidget {
  part: Part = 'prompt';
  private readonly stop: () => void;

  constructor(
    readonly view: SessionView,
    private readonly trans: TranslationBundle,
    private readonly onShown: (shown: boolean) => void = () => {}
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

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    this.onShown(this.isVisible);
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this.onShown(true);
  }

  protected override onAfterHide(msg: Message): void {
    super.onAfterHide(msg);
    this.onShown(false);
  }

  protected override onBeforeDetach(msg: Message): void {
    this.onShown(false);
    super.onBeforeDetach(msg);
  }

  protected override onActivateRequest(): void {
    // The first time the box is not drawn yet; who is in a dialog by then is left there.
    void (this.renderPromise ?? Promise.resolve()).then(() => {
      if (this.isVisible && document.activeElement?.closest('.jp-Dialog') === null) {
        this.node.querySelector<HTMLElement>(PARTS.prompt)?.focus();
        this.focusPart(this.part, Date.now() + PART_MS);
      }
      this.part = 'prompt';
    });
  }

  /** Give a part the keyboard as soon as it is drawn, unless somebody has begun to write or went away. */
  private focusPart(part: Part, until: number): void {
    const box = this.node.querySelector<HTMLTextAreaElement>(PARTS.prompt);
    const found = this.node.querySelector<HTMLElement>(PARTS[part]);
    if (part === 'prompt' || this.isDisposed || document.activeElement !== box) {
      return;
    }
    if (found !== null) {
      found.focus();
      if (part === 'attach') {
        found.click();
      }
    } else if (Date.now() < until) {
      setTimeout(() => this.focusPart(part, until), 50);
    }
  }

  /** A closed tab is gone: one that lived on undrawn would be found, and never be shown, when it is opened again. */
  protected override onCloseRequest(msg: Message): void {
    super.onCloseRequest(msg);
    this.dispose();
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
