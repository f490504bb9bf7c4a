/** What the keys do on a board, as a dialog. */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

export async function showShortcuts(trans: TranslationBundle): Promise<void> {
  const rows: readonly [string, string][] = [
    ['← ↑ → ↓', trans.__('Go to the next card in that direction')],
    ['Enter', trans.__('Open the session that needs somebody most')],
    [trans.__('Space'), trans.__('Select the card')],
    ['Shift + ← ↑ → ↓', trans.__('Move the card')],
    ['/', trans.__('Find a card')],
    [trans.__('Delete'), trans.__('Delete selected zones and notes')],
    ['Ctrl + Z', trans.__('Undo a change of zones and notes')],
    ['?', trans.__('This list')]
  ];
  const table = document.createElement('table');
  table.className = 'jp-AgorShortcuts';
  for (const [keys, words] of rows) {
    const row = table.insertRow();
    const head = document.createElement('th');
    const key = document.createElement('kbd');
    key.textContent = keys;
    head.append(key);
    row.append(head);
    row.insertCell().textContent = words;
  }
  const body = new Widget();
  body.node.append(table);
  await showDialog({
    title: trans.__('Keys of the board'),
    body,
    buttons: [Dialog.okButton({ label: trans.__('Close') })]
  });
}
