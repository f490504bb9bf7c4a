/**
 * Opens transcripts as notebooks without starting a kernel: they are read far more often than run.
 *
 * It stands before JupyterLab's own notebook factory and lets that make the widget, so that trackers,
 * toolbars and collaboration are exactly those of every notebook; only the kernel is not started.
 */
import type { DocumentRegistry, IDocumentWidget } from '@jupyterlab/docregistry';
import { Signal } from '@lumino/signaling';

export const TRANSCRIPT_TYPE = 'agor-transcript';
export const TRANSCRIPT_FACTORY = 'Agor Transcript';
export const TRANSCRIPT_PATTERN = '\\.agor\\.ipynb$';

const IS_TRANSCRIPT = new RegExp(TRANSCRIPT_PATTERN);

/** A page that is restored opens its notebooks by name of the plain factory: no kernel there either. */
export function keepKernelsAway(notebooks: DocumentRegistry.WidgetFactory): void {
  notebooks.widgetCreated.connect((_, { context }) => {
    if (IS_TRANSCRIPT.test(context.path)) {
      const { sessionContext } = context;
      sessionContext.kernelPreference = { ...sessionContext.kernelPreference, shouldStart: false };
    }
  });
}

type Factory = DocumentRegistry.WidgetFactory;
type Context = DocumentRegistry.Context;

export class TranscriptFactory implements Factory {
  readonly name = TRANSCRIPT_FACTORY;
  readonly fileTypes = [TRANSCRIPT_TYPE];
  readonly defaultFor = [TRANSCRIPT_TYPE];
  readonly modelName = 'notebook';
  readonly preferKernel = false;
  readonly canStartKernel = true;
  readonly autoStartDefault = false;
  readonly readOnly = false;
  readonly widgetCreated = new Signal<this, IDocumentWidget>(this);
  isDisposed = false;

  constructor(private readonly notebooks: Factory) {}

  /** Collaboration sets it on the notebook's factory when it is there: ask late. */
  get contentProviderId(): string {
    return this.notebooks.contentProviderId ?? '';
  }

  createNew(context: Context, source?: IDocumentWidget): IDocumentWidget {
    const widget = this.notebooks.createNew(context, source);
    this.widgetCreated.emit(widget);
    return widget;
  }

  dispose(): void {
    this.isDisposed = true;
    Signal.clearData(this);
  }
}
