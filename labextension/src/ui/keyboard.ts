/** Who has the keyboard: JupyterLab calls that tab current in which the focus is, and commands act on it. */

const DRAWN_MS = 5000;
const AGAIN_MS = 50;

/**
 * Give a tab that was brought to the front the keyboard: what `selector` names in it, as soon as that is drawn.
 * Somebody who is in a dialog, in the tab already, or went on elsewhere meanwhile is left there.
 */
export function takeKeyboard(node: HTMLElement, selector = ''): void {
  const active = document.activeElement;
  if (node.contains(active) || (active !== null && active.closest('.jp-Dialog') !== null)) {
    return;
  }
  node.tabIndex = -1;
  node.focus();
  if (selector !== '') {
    passOn(node, selector, Date.now() + DRAWN_MS);
  }
}

function passOn(node: HTMLElement, selector: string, until: number): void {
  const found = node.querySelector<HTMLElement>(selector);
  if (document.activeElement !== node) {
    return;
  }
  if (found !== null) {
    found.focus();
  } else if (Date.now() < until) {
    setTimeout(() => passOn(node, selector, until), AGAIN_MS);
  }
}
