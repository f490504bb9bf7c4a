/** What may be chosen in a session: what its agent told when it started, else what is known of its kind. Pure. */
import type { AgentInfo, Session } from '../schema/types';

/** A value and its words for people. */
export type Choice = readonly [string, string];

/** An agent that has started has told what it offers, be it nothing. */
const hasStarted = (session: Session): boolean => session.native_ref !== '';

export function modelsOf(session: Session, agent: AgentInfo | undefined): readonly Choice[] {
  const told = hasStarted(session) || session.models.length > 0;
  const listed = told ? session.models : (agent?.models ?? []);
  const labels = { ...agent?.model_labels, ...session.model_labels };
  return withCurrent(session.model, listed).map(model => [model, labels[model] ?? model]);
}

export function effortsOf(session: Session, agent: AgentInfo | undefined): readonly string[] {
  const told = hasStarted(session) || session.efforts.length > 0;
  return withCurrent(session.effort, told ? session.efforts : (agent?.efforts ?? []));
}

/** What holds now is always among them, also where nobody lists it. */
function withCurrent(current: string, listed: readonly string[]): readonly string[] {
  return current === '' || listed.includes(current) ? listed : [current, ...listed];
}
