/** Say what happened, to what, and the next step: toasts in JupyterLab's own notification centre. */
import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

/** What an error must have to be told well; `ProblemError` has it, anything else is told by its message. */
export interface Tellable {
  readonly detail?: string;
  readonly hint?: string;
  readonly message?: string;
}

export interface Step {
  readonly label: string;
  readonly callback: () => void;
}

const LONG_MS = 10_000;
const SHORT_MS = 6000;
/** JupyterLab stops the clock while the window has no focus, or the pointer rests on the notification. */
const OFFER_MS = 30_000;

/** Show a failure. `what` names the act that failed, e.g. "Moving the card". */
export function notifyProblem(error: unknown, what = '', step?: Step): void {
  const { detail, hint = '', message } = (error ?? {}) as Tellable;
  const said = detail ?? message ?? String(error);
  const text = [what === '' ? said : `${what}: ${said}`, hint].filter(part => part !== '').join(' ');
  Notification.error(text, { autoClose: LONG_MS, ...actions(step) });
}

/** Say that something is done, with the way back where there is one. */
export function notifyDone(text: string, trans: TranslationBundle, undo?: () => void): void {
  const step = undo === undefined ? undefined : { label: trans.__('Undo'), callback: undo };
  Notification.info(text, { autoClose: SHORT_MS, ...actions(step) });
}

/**
 * A notification that waits until it is closed, dismissed, or one of its steps is taken: first in sight, then
 * behind the bell, so that it does not cover for ever what somebody works on.
 */
export interface Offer {
  readonly say: (text: string) => void;
  readonly close: () => void;
}

export interface OfferStep extends Step {
  /** The one that most would take. */
  readonly accept?: boolean;
}

export interface Offered {
  readonly text: string;
  readonly steps: readonly OfferStep[];
  /** Behind the bell from the start. */
  readonly quiet: boolean;
}

/** Offer steps. `onGone` is told when a person dismissed the offer, or took a step of it; never after `close`. */
export function notifyOffer({ text, steps, quiet }: Offered, onGone: () => void): Offer {
  const { manager } = Notification;
  const id = Notification.warning(text, {
    autoClose: quiet ? 0 : OFFER_MS,
    actions: steps.map(({ accept, ...step }) => ({ ...step, displayType: accept === true ? 'accent' : 'default' }))
  });
  const onChanged = (_: typeof manager, { type, notification }: Notification.IChange): void => {
    if (type === 'removed' && notification.id === id) {
      manager.changed.disconnect(onChanged);
      onGone();
    }
  };
  manager.changed.connect(onChanged);
  return {
    say: words => {
      Notification.update({ id, message: words });
    },
    close: () => {
      manager.changed.disconnect(onChanged);
      Notification.dismiss(id);
    }
  };
}

function actions(step: Step | undefined): { actions?: Notification.IAction[] } {
  return step === undefined ? {} : { actions: [step] };
}
