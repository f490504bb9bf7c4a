/** The board as a widget of JupyterLab's main area. It owns the board's document. */
import { ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { boardIcon } from '../ui/icons';
import { Boundary } from '../ui/Boundary';
import { takeKeyboard } from '../ui/keyboard';
import { TransContext } from '../ui/trans';
import { Board } from './Board';
import type { BoardView } from './view';

export class BoardWidget extends ReactWidget {
  constructor(
    readonly view: BoardView,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.id = `agor-board-${view.doc.id}`;
    this.addClass('jp-AgorBoardWidget');
    this.title.icon = boardIcon;
    this.title.closable = true;
    const rename = (): void => {
      this.title.label = view.workspace.boards.get().get(view.doc.id)?.name ?? trans.__('Board');
    };
    rename();
    this.disposed.connect(view.workspace.boards.subscribe(rename));
  }

  override dispose(): void {
    if (!this.isDisposed) {
      super.dispose();
      this.view.doc.dispose();
    }
  }

  protected override onActivateRequest(): void {
    takeKeyboard(this.node, '.jp-AgorCanvas');
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
          <Board view={this.view} />
        </Boundary>
      </TransContext.Provider>
    );
  }
}
