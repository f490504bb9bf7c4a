/** A plain sentence of the server; what stands between backticks is code. */
import type { ReactElement } from 'react';
import { Fragment } from 'react';

export function Coded({ text }: { readonly text: string }): ReactElement {
  return (
    <>
      {text.split('`').map((part, place) =>
        // The parts of a sentence do not move: their place names them.
        place % 2 === 1 ? <code key={place}>{part}</code> : <Fragment key={place}>{part}</Fragment>
      )}
    </>
  );
}
