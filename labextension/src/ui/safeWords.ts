/**
 * What an agent says may have been put into its mouth. JupyterLab's sanitiser lets no script through, but
 * it keeps pictures of other servers: to fetch one tells its owner who reads, and what stands in its
 * address. Here nothing is fetched for words; a picture from elsewhere is a link that somebody may follow.
 */
import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';

const FETCHING = 'style, link, meta, base, video, audio, source, track, iframe, frame, object, embed, svg, input[type="image" i]';
const FETCHING_ATTRIBUTES = ['srcset', 'poster', 'background', 'data', 'ping', 'lowsrc', 'dynsrc'];
const ADDRESS_CHARACTERS = 80;

const made = new WeakMap<IRenderMimeRegistry, IRenderMimeRegistry>();

/** Give a registry like `rendermime` whose words fetch nothing. */
export function safeWords(rendermime: IRenderMimeRegistry): IRenderMimeRegistry {
  let safe = made.get(rendermime);
  if (safe === undefined) {
    safe = rendermime.clone({ sanitizer: new Sanitizer(rendermime.sanitizer) });
    made.set(rendermime, safe);
  }
  return safe;
}

class Sanitizer implements IRenderMime.ISanitizer {
  constructor(private readonly inner: IRenderMime.ISanitizer) {}

  get allowNamedProperties(): boolean {
    return this.inner.allowNamedProperties ?? false;
  }

  getAutolink(): boolean {
    return this.inner.getAutolink?.() ?? true;
  }

  sanitize(dirty: string, options?: IRenderMime.ISanitizerOptions): string {
    return withoutFetches(this.inner.sanitize(dirty, options));
  }
}

/** Take out of sanitised HTML all that a browser would fetch by itself. */
export function withoutFetches(html: string): string {
  // A parsed document that is never shown fetches nothing either.
  const { body } = new DOMParser().parseFromString(html, 'text/html');
  body.querySelectorAll(FETCHING).forEach(element => element.remove());
  for (const image of body.querySelectorAll('img')) {
    const address = image.getAttribute('src') ?? '';
    if (!/^data:image\/(png|jpeg|gif|webp);/i.test(address)) {
      image.replaceWith(linkTo(body.ownerDocument, address, image.alt));
    }
  }
  for (const element of body.querySelectorAll<HTMLElement>('*')) {
    FETCHING_ATTRIBUTES.forEach(name => element.removeAttribute(name));
    // A function in a style may be a url, however it is spelled.
    if (/[(\\]/.test(element.getAttribute('style') ?? '')) {
      element.removeAttribute('style');
    }
  }
  return body.innerHTML;
}

function linkTo(page: Document, address: string, words: string): HTMLElement {
  const said = words === '' ? address.slice(0, ADDRESS_CHARACTERS) : words;
  if (!/^https?:\/\//i.test(address)) {
    const plain = page.createElement('span');
    plain.textContent = said;
    return plain;
  }
  const link = page.createElement('a');
  Object.assign(link, { href: address, target: '_blank', rel: 'noopener noreferrer', title: address });
  link.textContent = `🖼 ${said}`;
  return link;
}
