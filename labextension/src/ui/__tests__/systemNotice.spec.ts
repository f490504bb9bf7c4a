/** The browser's own notices: bounded, and no error where a browser has them by name alone. */
import { afterEach, expect, test } from 'vitest';
import { MOST_CHARACTERS, systemNotice } from '../systemNotice';

function install(made: (title: string, options: NotificationOptions) => object): void {
  // Called with `new`, it gives what `made` gives.
  function Fake(title: string, options: NotificationOptions): object {
    return made(title, options);
  }
  Object.assign(window, { Notification: Object.assign(Fake, { permission: 'granted' }) });
}

afterEach(() => {
  Reflect.deleteProperty(window, 'Notification');
});

const notice = { title: 't'.repeat(5000), body: 'b'.repeat(5000), tag: 'req_1', onClick: (): void => {} };

test('what an agent says is clipped', () => {
  const shown: string[] = [];
  install((title, { body = '' }) => {
    shown.push(title, body);
    return { close: () => shown.push('closed') };
  });
  systemNotice(notice)();
  expect(shown.map(text => text.length)).toEqual([MOST_CHARACTERS, MOST_CHARACTERS, 6]);
});

test('a browser that refuses to make one breaks nothing', () => {
  install(() => {
    throw new TypeError('Illegal constructor');
  });
  expect(() => systemNotice(notice)()).not.toThrow();
});
