/** One request to our REST: Jupyter's own authentication, an idempotency key on each POST, typed refusals. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { UUID } from '@lumino/coreutils';
import { isRecord, ProblemError, problemFrom, toProblem } from './problem';

export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;
type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';

const BASE = 'agor/api/v1';
const PAGE = 200;

export class Http {
  constructor(readonly settings: ServerConnection.ISettings) {}

  /** Give the address of a path of ours, for the browser's own requests. */
  url(path: string, query: Query = {}): string {
    const given = Object.entries(query).flatMap(([name, value]) =>
      value === null || value === undefined ? [] : [[name, String(value)]]
    );
    const text = new URLSearchParams(given).toString();
    return URLExt.join(this.settings.baseUrl, BASE, path) + (text === '' ? '' : `?${text}`);
  }

  /** Give the address of a websocket of ours, with the token where the page has no cookie. */
  socketUrl(path: string): string {
    const url = URLExt.join(this.settings.wsUrl, BASE, path);
    const { token, appendToken } = this.settings;
    return appendToken && token !== '' ? `${url}?token=${encodeURIComponent(token)}` : url;
  }

  async get<T>(path: string, query: Query = {}): Promise<T> {
    return (await this.send('GET', this.url(path, query))) as T;
  }

  /** Read every page of a list. */
  async list<T>(path: string, query: Query = {}): Promise<T[]> {
    const found: T[] = [];
    let cursor: string | null = null;
    do {
      const page: unknown = await this.send('GET', this.url(path, { limit: PAGE, ...query, cursor }));
      if (!isRecord(page) || !Array.isArray(page['items'])) {
        throw new ProblemError({ detail: `${path} answered no list.` }, 0);
      }
      found.push(...(page['items'] as T[]));
      const next = page['next'];
      cursor = typeof next === 'string' || typeof next === 'number' ? String(next) : null;
    } while (cursor !== null);
    return found;
  }

  /**
   * POST once, however often the network makes us try. `key` names the act: a caller that may repeat
   * itself (a double click, a retry after a lost answer) gives the same one again.
   */
  async post<T>(path: string, body: unknown = {}, key: string = UUID.uuid4()): Promise<T> {
    return (await this.send('POST', this.url(path), body, { 'Idempotency-Key': key })) as T;
  }

  async patch<T>(path: string, body: unknown): Promise<T> {
    return (await this.send('PATCH', this.url(path), body)) as T;
  }

  async put(path: string, body: unknown): Promise<unknown> {
    return await this.send('PUT', this.url(path), body);
  }

  async delete(path: string, query: Query = {}): Promise<unknown> {
    return await this.send('DELETE', this.url(path, query));
  }

  private async send(
    method: Method,
    url: string,
    body?: unknown,
    headers: Record<string, string> = {}
  ): Promise<unknown> {
    const init: RequestInit = { method, headers: { ...headers, 'Content-Type': 'application/json' } };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
    }
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this.settings);
    } catch (error) {
      throw toProblem(error);
    }
    if (!response.ok) {
      throw await problemFrom(response);
    }
    const text = await response.text();
    return text === '' ? null : (JSON.parse(text) as unknown);
  }
}
