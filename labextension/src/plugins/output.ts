/** Outputs of transcripts and of `%%agor` cells, drawn as the session panel draws them. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { outputFactory, RANK } from '../transcripts/OutputRenderer';
import { DOMAIN } from '../ui/trans';

export const outputPlugin: JupyterFrontEndPlugin<void> = {
  id: 'agor-jupyter:output',
  description: 'Draws the outputs of transcripts and of %%agor cells.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [ITranslator],
  activate: (_: JupyterFrontEnd, rendermime: IRenderMimeRegistry, translator: ITranslator | null): void => {
    rendermime.addFactory(outputFactory(rendermime, (translator ?? nullTranslator).load(DOMAIN)), RANK);
  }
};
