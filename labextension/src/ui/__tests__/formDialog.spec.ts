/** What the Enter that closed a dialog may not press again, and what can be pressed at once. */
import type { Dialog } from '@jupyterlab/apputils';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { launchDialog } from '../formDialog';

const closing = { launch: () => Promise.resolve({ button: {}, value: null }) } as unknown as Dialog<null>;

function button(): { readonly node: HTMLButtonElement; readonly pressed: () => void } {
  const node = document.body.appendChild(document.createElement('button'));
  const pressed = vi.fn();
  node.addEventListener('click', pressed);
  return { node, pressed };
}

describe('launchDialog', () => {
  afterEach(() => {
    vi.useRealTimers();
    document.body.replaceChildren();
  });

  it('keeps the button that opened it from opening it again, for a moment', async () => {
    vi.useFakeTimers();
    const [opener, other] = [button(), button()];
    opener.node.focus();
    await launchDialog(closing);
    opener.node.click();
    other.node.click();
    expect([opener.pressed, other.pressed].map(each => vi.mocked(each).mock.calls.length)).toEqual([0, 1]);
    vi.runAllTimers();
    opener.node.click();
    expect(opener.pressed).toHaveBeenCalledTimes(1);
  });

  it('keeps nothing from being pressed where nothing had the focus', async () => {
    vi.useFakeTimers();
    const { node, pressed } = button();
    expect(document.activeElement).toBe(document.body);
    await launchDialog(closing);
    node.click();
    expect(pressed).toHaveBeenCalledTimes(1);
  });
});
