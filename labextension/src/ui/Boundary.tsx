/** Keeps one broken view from becoming an empty tab: says what happened and offers to draw it again. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ErrorInfo, ReactNode } from 'react';
import { Component } from 'react';
import { Empty } from './Empty';

interface BoundaryProps {
  readonly trans: TranslationBundle;
  readonly children: ReactNode;
}

interface BoundaryState {
  readonly error: Error | null;
}

export class Boundary extends Component<BoundaryProps, BoundaryState> {
  override state: BoundaryState = { error: null };

  static getDerivedStateFromError(error: unknown): BoundaryState {
    return { error: error instanceof Error ? error : new Error('unknown') };
  }

  override componentDidCatch(error: unknown, info: ErrorInfo): void {
    console.error('agor-jupyter: a view could not be drawn', error, info.componentStack);
  }

  override render(): ReactNode {
    const { trans, children } = this.props;
    if (this.state.error === null) {
      return children;
    }
    return (
      <Empty
        title={trans.__('This view could not be drawn')}
        action={{ label: trans.__('Draw it again'), run: () => this.setState({ error: null }) }}
      >
        {trans.__('Nothing is lost: the agents and what they said are kept by the server. (%1)', this.state.error.message)}
      </Empty>
    );
  }
}
