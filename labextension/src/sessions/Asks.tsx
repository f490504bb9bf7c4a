/** What the agent asks, at the foot of the panel: answered once, by whoever is first. */
import type { ReactElement } from 'react';
import { useEffect, useRef } from 'react';
import { withCommand } from '../domain/asked';
import { CommandIds } from '../domain/commandIds';
import { pendingRequests } from '../model/sessionStore';
import { sameItems, useStore } from '../model/store';
import { ApprovalBar } from '../ui/ApprovalBar';
import { useTrans } from '../ui/trans';
import { useSessionView } from './view';

export function Asks(): ReactElement | null {
  const { store, commands, workspace } = useSessionView();
  const trans = useTrans();
  const requests = useStore(store, pendingRequests, sameItems);
  const mayRun = useStore(workspace.me, () => workspace.may('execute', 'agor:sessions'));
  const current = useStore(store, state => state.session?.current_task ?? null);
  const title = useStore(store, state => state.session?.title ?? '');
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (current !== null) {
      void store.loadTask(current); // what is asked stands in the task that runs
    }
  }, [store, current]);
  if (requests.length === 0) {
    return null;
  }
  return (
    <div ref={place} className="jp-AgorAsks" aria-live="polite">
      {requests.map(request => (
        <ApprovalBar
          key={request.request_id}
          asked={withCommand(request)}
          where={trans._n('%1 request waits', '%1 requests wait', requests.length)}
          asker={title}
          disabled={!mayRun}
          onAnswer={async answer => {
            // The button goes away with the request: who answered by keyboard goes on writing.
            focusPrompt(place.current);
            await commands.execute(CommandIds.answerPermission, {
              ...answer,
              answers: { ...answer.answers },
              request_id: request.request_id,
              digest: request.digest
            });
          }}
        />
      ))}
    </div>
  );
}

function focusPrompt(asks: HTMLElement | null): void {
  if (asks?.contains(document.activeElement) === true) {
    asks.closest('.jp-AgorSession')?.querySelector<HTMLElement>('.jp-AgorPromptBox textarea')?.focus();
  }
}
