/** Our outputs in notebooks, as a renderer that JupyterLab makes for each of them. */
import { ReactWidget } from '@jupyterlab/apputils';
import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { TransContext } from '../ui/trans';
import { Words } from '../ui/Words';
import { MIMES, toOutput } from './outputs';
import { OutputView } from './OutputView';

/** Before Markdown and HTML, which stand beside ours for every other viewer. */
export const RANK = 10;

export class OutputRenderer extends ReactWidget implements IRenderMime.IRenderer {
  private data: IRenderMime.IMimeModel['data'] = {};

  constructor(
    private readonly mime: string,
    private readonly rendermime: IRenderMimeRegistry,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-AgorOutputWidget');
  }

  async renderModel({ data }: IRenderMime.IMimeModel): Promise<void> {
    this.data = data;
    // Words are attached as a widget, which needs a page: until then it waits for `onAfterAttach`.
    if (this.isAttached) {
      this.update();
      await this.renderPromise;
    }
  }

  protected override render(): React.JSX.Element {
    const output = toOutput(this.mime, this.data[this.mime]);
    const markdown = this.data['text/markdown'];
    const plain = Array.isArray(markdown) ? markdown.join('') : typeof markdown === 'string' ? markdown : '';
    return (
      <TransContext.Provider value={this.trans}>
        {output === null ? (
          <Words text={plain} rendermime={this.rendermime} />
        ) : (
          <OutputView output={output} rendermime={this.rendermime} />
        )}
      </TransContext.Provider>
    );
  }
}

/** Make the factory of our MIME types. What they hold is drawn as words, so it is safe untrusted. */
export function outputFactory(rendermime: IRenderMimeRegistry, trans: TranslationBundle): IRenderMime.IRendererFactory {
  return {
    safe: true,
    mimeTypes: MIMES,
    createRenderer: ({ mimeType }) => new OutputRenderer(mimeType, rendermime, trans)
  };
}
