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

function actions(step: Step | undefined): { actions?: Notification.IAction[] } {
  return step === undefined ? {} : { actions: [step] };
}
