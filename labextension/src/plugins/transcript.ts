/** Transcripts: notebooks that open without starting a kernel. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import {
  keepKernelsAway,
  TRANSCRIPT_PATTERN,
  TRANSCRIPT_TYPE,
  TranscriptFactory
} from '../transcripts/TranscriptFactory';
import { agentIcon } from '../ui/icons';
import { DOMAIN } from '../ui/trans';

const NOTEBOOK = 'Notebook';

export const transcriptPlugin: JupyterFrontEndPlugin<void> = {
  id: 'agor-jupyter:transcript',
  description: 'Opens transcripts as notebooks without starting a kernel.',
  autoStart: true,
  optional: [ITranslator],
  activate: ({ docRegistry }: JupyterFrontEnd, translator: ITranslator | null): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    docRegistry.addFileType({
      name: TRANSCRIPT_TYPE,
      displayName: trans.__('Agor Transcript'),
      pattern: TRANSCRIPT_PATTERN,
      contentType: 'notebook',
      fileFormat: 'json',
      extensions: ['.agor.ipynb'],
      mimeTypes: ['application/x-ipynb+json'],
      icon: agentIcon
    });
    const add = (): boolean => {
      const notebooks = docRegistry.getWidgetFactory(NOTEBOOK);
      if (notebooks !== undefined) {
        docRegistry.addWidgetFactory(new TranscriptFactory(notebooks));
        keepKernelsAway(notebooks);
      }
      return notebooks !== undefined;
    };
    if (!add()) {
      // The notebook's factory comes later: wait for it, once.
      const wait = (): void => {
        if (docRegistry.getWidgetFactory(NOTEBOOK) !== undefined) {
          docRegistry.changed.disconnect(wait);
          add();
        }
      };
      docRegistry.changed.connect(wait);
    }
  }
};
