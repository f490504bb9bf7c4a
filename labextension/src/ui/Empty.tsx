/** An empty place: what it is for, and the one next step as a button. */
import type { ReactElement, ReactNode } from 'react';

export interface EmptyProps {
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: { readonly label: string; readonly run: () => void; readonly testId?: string };
}

export function Empty({ title, children, action }: EmptyProps): ReactElement {
  return (
    <div className="jp-AgorEmpty">
      <h3>{title}</h3>
      <div className="jp-AgorEmpty-text">{children}</div>
      {action !== undefined && (
        <button
          type="button"
          className="jp-mod-styled jp-mod-accept"
          onClick={action.run}
          data-testid={action.testId}
        >
          {action.label}
        </button>
      )}
    </div>
  );
}
