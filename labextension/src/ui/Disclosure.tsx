/** One line that opens something beneath it: a button, so that keys and readers know it. */
import type { ReactElement, ReactNode } from 'react';

export interface DisclosureProps {
  readonly open: boolean;
  readonly onToggle: () => void;
  readonly children: ReactNode;
}

export function Disclosure({ open, onToggle, children }: DisclosureProps): ReactElement {
  return (
    <button type="button" className="jp-AgorDisclosure" aria-expanded={open} onClick={onToggle}>
      <span className="jp-AgorDisclosure-arrow" aria-hidden>
        ›
      </span>
      {children}
    </button>
  );
}
