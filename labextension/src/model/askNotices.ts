/**
 * Notifications of what agents ask: few at a time, each once, gone as soon as anybody has answered. What waited
 * already when the page was opened is told behind the bell: who comes in is not met by a heap of them.
 * The panel that shows the request itself needs none.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { inShort } from '../domain/asked';
import type { Offer, Offered, OfferStep } from '../ui/notify';
import type { SystemNotice } from '../ui/systemNotice';
import type { Waiting, WaitingById } from './inbox';
import type { Readable } from './store';

export interface NoticeSettings {
  /** Show notifications in JupyterLab. */
  readonly enabled: boolean;
  /** Show the browser's own as well, while nobody looks at the tab. */
  readonly system: boolean;
}

export interface NoticePorts {
  /** All that waits, whoever it concerns. */
  readonly inbox: Readable<WaitingById>;
  /** What waits for this person, oldest first. */
  readonly asked: Readable<readonly Waiting[]>;
  readonly titleOf: (sessionId: string) => string;
  /** The sessions whose panels are in view. */
  readonly inView: Readable<readonly string[]>;
  readonly settings: Readable<NoticeSettings>;
  readonly trans: TranslationBundle;
  readonly offer: (offered: Offered, onGone: () => void) => Offer;
  readonly systemNotice: (notice: SystemNotice) => () => void;
  readonly hidden: () => boolean;
  /** Answer exactly what was shown. A refusal is told by who answers; `again`: it still waits, as far as one knows. */
  readonly answer: (waiting: Waiting, optionId: string) => Promise<'done' | 'again'>;
  readonly open: (sessionId: string) => void;
  readonly showAll: () => void;
}

export const MOST = 3;

export class AskNotices implements IDisposable {
  isDisposed = false;
  private readonly offers = new Map<string, Offer>();
  private readonly system = new Map<string, () => void>();
  /** Dismissed or acted upon here: not offered again. */
  private readonly done = new Set<string>();
  /** Answered here in vain: told aloud, however old. */
  private readonly failed = new Set<string>();
  private rest: { readonly offer: Offer; count: number } | null = null;
  /** How many more waited when a person dismissed the line about them. */
  private restDone = 0;
  private readonly stops: readonly (() => void)[];

  constructor(private readonly ports: NoticePorts) {
    const draw = (): void => this.draw();
    const { asked, inbox, inView, settings } = ports;
    this.stops = [asked, inbox, inView, settings].map(each => each.subscribe(draw));
    this.draw();
  }

  dispose(): void {
    this.isDisposed = true;
    this.stops.forEach(stop => stop());
    this.offers.forEach(offer => offer.close());
    this.system.forEach(close => close());
    this.rest?.offer.close();
  }

  private draw(): void {
    const { asked, inbox, inView, settings } = this.ports;
    const all = inbox.get();
    for (const ids of [this.done, this.failed]) {
      [...ids].filter(id => !all.has(id)).forEach(id => ids.delete(id));
    }
    const waiting = asked.get();
    this.call(waiting);
    const wanted = settings.get().enabled ? waiting : [];
    const open = wanted.filter(({ sessionId, request }) => !this.done.has(request.request_id) && !inView.get().includes(sessionId));
    // News take the place of what waited before.
    const ranked = [...open.filter(each => !this.isQuiet(each)), ...open.filter(each => this.isQuiet(each))];
    const chosen = ranked.slice(0, MOST);
    const ids = new Set(chosen.map(({ request }) => request.request_id));
    for (const [id, offer] of [...this.offers]) {
      if (!ids.has(id)) {
        this.offers.delete(id);
        offer.close();
      }
    }
    for (const each of chosen) {
      const { request_id: id } = each.request;
      if (!this.offers.has(id)) {
        this.offers.set(id, this.offer(each));
      }
    }
    const left = ranked.slice(MOST);
    this.drawRest(left.length, left.every(each => this.isQuiet(each)));
  }

  private isQuiet({ old, request }: Waiting): boolean {
    return old && !this.failed.has(request.request_id);
  }

  private offer(waiting: Waiting): Offer {
    const { trans, offer, open } = this.ports;
    const { sessionId, request } = waiting;
    const { text, allow, reject } = inShort(request, this.ports.titleOf(sessionId));
    const show = (): void => open(sessionId);
    const steps: OfferStep[] = [];
    if (allow !== null) {
      steps.push({ label: trans.__('Allow once'), accept: true, callback: () => this.answer(waiting, allow) });
    }
    if (reject !== null) {
      steps.push({ label: trans.__('Reject'), callback: () => this.answer(waiting, reject) });
    }
    steps.push(allow === null ? { label: trans.__('Answer…'), accept: true, callback: show } : { label: trans.__('Show'), callback: show });
    return offer({ text, steps, quiet: this.isQuiet(waiting) }, () => {
      this.offers.delete(request.request_id);
      this.done.add(request.request_id);
      this.draw();
    });
  }

  private answer(waiting: Waiting, optionId: string): void {
    const { request_id: id } = waiting.request;
    void this.ports.answer(waiting, optionId).then(outcome => {
      if (outcome === 'again') {
        this.done.delete(id);
        this.failed.add(id);
        this.draw();
      }
    });
  }

  /** One line for all that has no notification of its own; when more come, it is told anew. */
  private drawRest(count: number, quiet: boolean): void {
    this.restDone = Math.min(this.restDone, count);
    const { offer, showAll, trans } = this.ports;
    const text = trans._n('%1 more request waits for an answer.', '%1 more requests wait for an answer.', count);
    if (this.rest !== null && count > 0 && count <= this.rest.count) {
      if (count < this.rest.count) {
        this.rest.count = count;
        this.rest.offer.say(text);
      }
      return;
    }
    this.rest?.offer.close();
    this.rest = null;
    if (count > this.restDone) {
      const steps = [{ label: trans.__('Show all'), accept: true, callback: showAll }];
      const made = offer({ text, steps, quiet }, () => {
        this.restDone = this.rest?.count ?? count;
        this.rest = null;
      });
      this.rest = { offer: made, count };
    }
  }

  /** Call who looks elsewhere. What came while they looked is not called for later. */
  private call(waiting: readonly Waiting[]): void {
    const { hidden, open, settings, systemNotice, titleOf } = this.ports;
    const ids = new Set(waiting.map(({ request }) => request.request_id));
    for (const [id, close] of [...this.system]) {
      if (!ids.has(id)) {
        this.system.delete(id);
        close();
      }
    }
    for (const { sessionId, request } of waiting) {
      const { request_id: tag, title: body } = request;
      if (!this.system.has(tag)) {
        const wanted = settings.get().enabled && settings.get().system && hidden();
        const title = titleOf(sessionId);
        this.system.set(tag, wanted ? systemNotice({ title, body, tag, onClick: () => open(sessionId) }) : () => {});
      }
    }
  }
}
