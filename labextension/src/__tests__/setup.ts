/** What jsdom lacks and React Flow and JupyterLab need; nothing here decides a test. */
import { afterEach } from 'vitest';
import { cleanup } from '@testing-library/react';

class Silent {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

globalThis.ResizeObserver = Silent;
globalThis.IntersectionObserver = Silent as unknown as typeof IntersectionObserver;
globalThis.DOMMatrixReadOnly = class {
  m22 = 1;
} as unknown as typeof DOMMatrixReadOnly;
window.matchMedia = ((query: string) => ({
  matches: false,
  media: query,
  addEventListener(): void {},
  removeEventListener(): void {}
})) as unknown as typeof window.matchMedia;
// JupyterLab's widgets extend it when they are loaded.
globalThis.DragEvent = class extends MouseEvent {} as unknown as typeof DragEvent;

afterEach(cleanup);
