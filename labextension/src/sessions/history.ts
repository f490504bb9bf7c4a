/** Earlier prompts in the prompt box: up to older ones, down to newer ones and to one's own draft. Pure. */

/** Where somebody is: `back` prompts ago, -1 in what they write themselves; `own` is that text meanwhile. */
export interface Place {
  readonly back: number;
  readonly own: string;
}

export const HERE: Place = { back: -1, own: '' };

export interface Box {
  readonly text: string;
  /** The selection; both ends are equal where only a caret stands. */
  readonly start: number;
  readonly end: number;
}

/**
 * Say what the box shows after an arrow key, or null where the key only moves the caret: an arrow leaves
 * the text at its first or last line alone, and a text of one's own only from its very beginning.
 */
export function stepHistory(
  key: string,
  box: Box,
  at: Place,
  earlier: (back: number) => string | null
): { readonly text: string; readonly at: Place } | null {
  const { text, start, end } = box;
  if (start !== end) {
    return null;
  }
  if (key === 'ArrowUp') {
    const mayLeave = at.back >= 0 ? !text.slice(0, start).includes('\n') : start === 0;
    const older = mayLeave ? earlier(at.back + 1) : null;
    return older === null ? null : { text: older, at: { back: at.back + 1, own: at.back < 0 ? text : at.own } };
  }
  if (key !== 'ArrowDown' || at.back < 0 || text.slice(end).includes('\n')) {
    return null;
  }
  const newer = at.back === 0 ? null : earlier(at.back - 1);
  return newer === null ? { text: at.own, at: HERE } : { text: newer, at: { ...at, back: at.back - 1 } };
}
