/** The translation bundle for components: a context, so that no component takes it as a prop. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { nullTranslator } from '@jupyterlab/translation';
import { createContext, useContext } from 'react';

export const DOMAIN = 'agor-jupyter';

export const TransContext = createContext<TranslationBundle>(nullTranslator.load(DOMAIN));

export const useTrans = (): TranslationBundle => useContext(TransContext);
