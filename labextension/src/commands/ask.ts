/** Short questions that commands ask when they are run without an argument. */
import { InputDialog } from '@jupyterlab/apputils';

/** Ask for a line; null when nothing was written. */
export async function askLine(title: string, before = '', okLabel?: string): Promise<string | null> {
  const { value } = await InputDialog.getText({ title, text: before, ...(okLabel === undefined ? {} : { okLabel }) });
  const line = value?.trim() ?? '';
  return line === '' ? null : line;
}

/**
 * Let somebody choose one of `[value, words]`; null when nobody did. Equal words are told apart by number.
 * With `free`, what they write instead is taken as it is.
 */
export async function askItem(
  title: string,
  items: readonly (readonly [string, string])[],
  current?: string,
  free = false
): Promise<string | null> {
  const words = items.map(([, said], place) =>
    items.findIndex(each => each[1] === said) === place ? said : `${said} (${place + 1})`
  );
  const { button, value } = await InputDialog.getItem({
    title,
    items: words,
    editable: free,
    current: Math.max(0, items.findIndex(([item]) => item === current))
  });
  const said = value?.trim() ?? '';
  const chosen = items[words.indexOf(said)]?.[0] ?? (free && said !== '' ? said : null);
  return button.accept ? chosen : null;
}
