/** Words of an agent in the session panel. */
import type { ReactElement } from 'react';
import { Words } from '../ui/Words';
import { useSessionView } from './view';

export function Markdown({ text }: { readonly text: string }): ReactElement {
  return <Words text={text} rendermime={useSessionView().rendermime} />;
}
