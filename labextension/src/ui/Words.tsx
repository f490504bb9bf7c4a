/**
 * Words of an agent, rendered by JupyterLab's own Markdown renderer: untrusted, so it is sanitised.
 * Text that grows is drawn at most eight times a second; between two drawings nothing moves.
 */
import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { MimeModel } from '@jupyterlab/rendermime';
import { Widget } from '@lumino/widgets';
import type { ReactElement } from 'react';
import { useEffect, useLayoutEffect, useRef } from 'react';
import { safeWords } from './safeWords';

const MIME = 'text/markdown';
const EVERY_MS = 120;

/** Draws the newest text, one drawing at a time. */
class Drawer {
  private wanted = '';
  private drawn: string | null = null;
  private job: Promise<void> | null = null;
  private last = 0;
  private readonly renderer: IRenderMime.IRenderer;

  constructor(host: HTMLElement, rendermime: IRenderMimeRegistry) {
    this.renderer = safeWords(rendermime).createRenderer(MIME);
    Widget.attach(this.renderer, host);
  }

  draw(text: string): void {
    this.wanted = text;
    this.job ??= this.run().finally(() => (this.job = null));
  }

  dispose(): void {
    this.renderer.dispose();
  }

  private async show(text: string): Promise<void> {
    if (!this.renderer.isDisposed) {
      await this.renderer.renderModel(new MimeModel({ trusted: false, data: { [MIME]: text } }));
    }
  }

  private async run(): Promise<void> {
    while (this.drawn !== this.wanted && !this.renderer.isDisposed) {
      const wait = this.last + EVERY_MS - Date.now();
      if (wait > 0) {
        await new Promise(resolve => setTimeout(resolve, wait));
      }
      const text = this.wanted;
      await this.show(text);
      this.drawn = text;
      this.last = Date.now();
    }
  }
}

export interface WordsProps {
  readonly text: string;
  readonly rendermime: IRenderMimeRegistry;
}

export function Words({ text, rendermime }: WordsProps): ReactElement {
  const host = useRef<HTMLDivElement>(null);
  const drawer = useRef<Drawer | null>(null);
  // A layout effect: its end comes before the host leaves the page, and a widget must be detached there.
  useLayoutEffect(() => {
    if (host.current === null) {
      return undefined;
    }
    const made = new Drawer(host.current, rendermime);
    drawer.current = made;
    return () => {
      drawer.current = null;
      made.dispose();
    };
  }, [rendermime]);
  useEffect(() => drawer.current?.draw(text), [text, rendermime]);
  return <div ref={host} className="jp-AgorMarkdown" />;
}
