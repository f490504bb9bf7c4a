/** Show a fresh token: this once. */
import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

class TokenBody extends ReactWidget {
  constructor(
    private readonly token: string,
    private readonly address: string,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-AgorForm');
  }

  protected override render(): React.JSX.Element {
    const { trans } = this;
    return (
      <>
        <p>{trans.__('Copy it now: it is kept nowhere and cannot be shown again.')}</p>
        <label className="jp-AgorField">
          <span>{trans.__('Token')}</span>
          <input
            className="jp-mod-styled"
            readOnly
            data-testid="agor-token"
            value={this.token}
            onFocus={event => event.target.select()}
          />
        </label>
        <label className="jp-AgorField">
          <span>{trans.__('Address for the client')}</span>
          <input className="jp-mod-styled" readOnly value={this.address} onFocus={event => event.target.select()} />
        </label>
      </>
    );
  }
}

export async function showToken(token: string, address: string, trans: TranslationBundle): Promise<void> {
  await showDialog({
    title: trans.__('A token for an outside client'),
    body: new TokenBody(token, address, trans),
    buttons: [Dialog.okButton({ label: trans.__('I have copied it') })]
  });
}
