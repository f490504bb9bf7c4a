/** A button among the words of a row; its name tells a screen reader of which row it is. */
import type { ReactElement } from 'react';

export interface TextButtonProps {
  readonly name: string;
  readonly words: string;
  readonly onClick: () => void;
}

export function TextButton({ name, words, onClick }: TextButtonProps): ReactElement {
  return (
    <button type="button" className="jp-AgorTextButton" aria-label={name} onClick={onClick}>
      {words}
    </button>
  );
}
