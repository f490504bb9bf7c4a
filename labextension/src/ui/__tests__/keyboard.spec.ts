/** A tab that comes to the front takes the keyboard, from nobody who needs it. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { takeKeyboard } from '../keyboard';

const element = (html: string): HTMLElement => {
  const box = document.createElement('div');
  box.innerHTML = html;
  document.body.append(box);
  return box;
};

describe('takeKeyboard', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    vi.useRealTimers();
    document.body.innerHTML = '';
  });

  it('gives it to the tab at once, and to its part when that is drawn', () => {
    const tab = element('');
    takeKeyboard(tab, '.part');
    expect(document.activeElement).toBe(tab);
    tab.innerHTML = '<button class="part">x</button>';
    vi.advanceTimersByTime(100);
    expect(document.activeElement).toBe(tab.firstChild);
  });

  it('follows nobody who went on elsewhere', () => {
    const [tab, other] = [element(''), element('<input>')];
    takeKeyboard(tab, '.part');
    (other.firstChild as HTMLElement).focus();
    tab.innerHTML = '<button class="part">x</button>';
    vi.advanceTimersByTime(100);
    expect(document.activeElement).toBe(other.firstChild);
  });

  it.each(['<div class="jp-Dialog"><input></div>', '<section class="tab"><input></section>'])(
    'leaves who writes where they are: %s',
    html => {
      const place = element(html);
      place.querySelector('input')?.focus();
      takeKeyboard(place.querySelector<HTMLElement>('.tab') ?? element(''));
      expect(document.activeElement?.tagName).toBe('INPUT');
    }
  );
});
