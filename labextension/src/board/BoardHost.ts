/** Opens boards in the main area: one widget a board, found again instead of opened twice. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { WidgetTracker } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { AgorApp } from '../model/app';
import { BoardView } from './view';
import { BoardWidget } from './BoardWidget';

export class BoardHost {
  readonly tracker = new WidgetTracker<BoardWidget>({ namespace: 'agor-board' });

  constructor(
    private readonly front: JupyterFrontEnd,
    private readonly app: AgorApp,
    private readonly trans: TranslationBundle
  ) {}

  /** The view that commands without a board act on: the last one that had the focus. */
  current(): BoardView | null {
    return this.tracker.currentWidget?.view ?? null;
  }

  /** The view of the board that stands in front, if it is one. */
  inFront(): BoardView | null {
    const { currentWidget } = this.front.shell;
    return currentWidget !== null && this.tracker.has(currentWidget) ? this.current() : null;
  }

  /** Open a board and bring it to the front; `focus` brings one card into view and selects it alone. */
  open(boardId: string, focus: string | null = null): BoardView {
    const widget = this.tracker.find(each => each.view.doc.id === boardId) ?? this.make(boardId);
    this.front.shell.activateById(widget.id);
    if (focus !== null) {
      void widget.view.doc.ready.then(() => setTimeout(() => widget.view.wanted.set(focus), 200));
    }
    return widget.view;
  }

  private make(boardId: string): BoardWidget {
    const view = new BoardView(this.app.openBoard(boardId), this.app.workspace, this.front.commands);
    const widget = new BoardWidget(view, this.trans);
    this.front.shell.add(widget, 'main');
    void this.tracker.add(widget);
    return widget;
  }
}
