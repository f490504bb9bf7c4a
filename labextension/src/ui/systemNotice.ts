/** The browser's own notifications: for a tab that nobody looks at. Nothing where the browser has none. */

export interface SystemNotice {
  readonly title: string;
  readonly body: string;
  /** Names the matter: a second notice of it takes the place of the first. */
  readonly tag: string;
  readonly onClick: () => void;
}

/** So much of an agent's words is shown. */
export const MOST_CHARACTERS = 200;

/** Ask the person, once, whether the browser may. A browser that was answered does not ask again. */
export async function askForSystemNotices(): Promise<void> {
  if ('Notification' in window && window.Notification.permission === 'default') {
    await window.Notification.requestPermission();
  }
}

/** Show a notice; give what takes it away again. */
export function systemNotice({ title, body, tag, onClick }: SystemNotice): () => void {
  if (!('Notification' in window) || window.Notification.permission !== 'granted') {
    return () => {};
  }
  let notice: Notification;
  try {
    // Plain text, of an agent's choosing: a long one would fill the screen of some systems.
    notice = new window.Notification(title.slice(0, MOST_CHARACTERS), { body: body.slice(0, MOST_CHARACTERS), tag });
  } catch {
    return () => {}; // Some browsers (on Android) have the class and let nobody but a service worker use it.
  }
  notice.onclick = () => {
    window.focus();
    notice.close();
    onClick();
  };
  return () => notice.close();
}
