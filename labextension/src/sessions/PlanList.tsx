/** The plan as a checklist that stays at the top while it is open; gone when all of it is done. */
import type { ReactElement } from 'react';
import { useState } from 'react';
import { useStore } from '../model/store';
import type { PlanEntry } from '../schema/types';
import { useTrans } from '../ui/trans';
import { Disclosure } from '../ui/Disclosure';
import { useSessionView } from './view';

const SIGNS: Record<PlanEntry['status'], string> = { pending: '○', in_progress: '◐', completed: '●' };
const NONE: readonly PlanEntry[] = [];

export function PlanList(): ReactElement | null {
  const { store } = useSessionView();
  const trans = useTrans();
  const plan = useStore(store, ({ session, tasks }) => {
    const running = tasks.find(view => view.task.id === session?.current_task);
    return running?.content?.plan ?? NONE;
  });
  const [open, setOpen] = useState(true);
  const done = plan.filter(entry => entry.status === 'completed').length;
  if (plan.length === 0) {
    return null;
  }
  return (
    <section className="jp-AgorPlan" aria-label={trans.__('Plan')}>
      <Disclosure open={open} onToggle={() => setOpen(!open)}>
        {trans.__('Plan: %1 of %2', done, plan.length)}
      </Disclosure>
      {open && (
        <ol>
          {plan.map((entry, index) => (
            <li key={index} data-agor-status={entry.status} dir="auto">
              <span aria-hidden>{SIGNS[entry.status]}</span> {entry.content}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
