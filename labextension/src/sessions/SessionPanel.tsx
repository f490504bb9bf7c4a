/** One session: header, plan, conversation, what it asks, what waits, and the box to write in. */
import type { ReactElement } from 'react';
import { useEffect } from 'react';
import { wordOf } from '../domain/attention';
import { CommandIds } from '../domain/commandIds';
import { wentWrong } from '../domain/lifecycle';
import { useStore } from '../model/store';
import { Empty } from '../ui/Empty';
import { useTrans } from '../ui/trans';
import { Asks } from './Asks';
import { Conversation } from './Conversation';
import { PlanList } from './PlanList';
import { PromptBox } from './PromptBox';
import { Queue } from './Queue';
import { SessionHeader } from './SessionHeader';
import { SessionContext, useAgent, useRun, useSessionView } from './view';
import type { SessionView } from './view';

export function SessionPanel({ view }: { readonly view: SessionView }): ReactElement {
  return (
    <SessionContext.Provider value={view}>
      <div className="jp-AgorSession" data-testid="agor-session">
        <SessionHeader />
        <PlanList />
        <Body />
        <div className="jp-AgorSession-foot">
          <Trouble />
          <Asks />
          <Queue />
          <PromptBox />
        </div>
        <Announcer />
      </div>
    </SessionContext.Provider>
  );
}

function Body(): ReactElement {
  const { store } = useSessionView();
  const trans = useTrans();
  const state = useStore(store, ({ session, tasks, problem }) => {
    if (session === null) {
      return problem === null ? 'loading' : 'failed';
    }
    return tasks.some(view => view.task.status !== 'queued') ? 'open' : 'empty';
  });
  const problem = useStore(store, each => each.problem);
  switch (state) {
    case 'open':
      return <Conversation />;
    case 'loading':
      return <div className="jp-AgorSession-list jp-AgorSkeleton" role="status" aria-label={trans.__('Loading')} />;
    case 'failed':
      return (
        <div className="jp-AgorSession-list">
          <Empty
            title={problem?.detail ?? ''}
            action={{ label: trans.__('Try again'), run: () => void store.open() }}
          >
            {problem?.hint}
          </Empty>
        </div>
      );
    case 'empty':
      return (
        <div className="jp-AgorSession-list">
          <Beginning />
        </div>
      );
  }
}

/** What a session begins with: nothing, or what the one before it knew. */
function Beginning(): ReactElement {
  const { store } = useSessionView();
  const trans = useTrans();
  const origin = useStore(store, state => state.session?.origin ?? null);
  if (origin === null || (origin.task_id === null && !origin.replayed)) {
    return (
      <Empty title={trans.__('Nothing has been said yet')}>
        {trans.__('Say below what you want. The agent works in a worktree of its own and asks before it changes things.')}
      </Empty>
    );
  }
  return (
    <Empty title={trans.__('A fork goes on from here')}>
      {origin.replayed
        ? trans.__('The agent does not remember what was said before: your first prompt brings a transcript of it.')
        : trans.__('The agent knows what was said before. Say below what you want instead.')}
    </Empty>
  );
}

/** Why the last task went wrong, with the next step; gone as soon as something new begins. */
export function Trouble(): ReactElement | null {
  const { store, workspace } = useSessionView();
  const run = useRun();
  const trans = useTrans();
  const session = useStore(store, state => state.session);
  const agent = useAgent();
  const mayRun = useStore(workspace.me, () => workspace.may('execute', 'agor:sessions'));
  // A paused queue says why itself, with its own next step.
  const told = session !== null && session.queue_paused !== '' && session.queue.length > 0;
  if (session === null || session.error === '' || session.current_task !== null || told) {
    return null;
  }
  return (
    <div className="jp-AgorTrouble" role="alert" data-testid="agor-trouble">
      <span>
        {session.error} {session.hint}
      </span>
      {agent?.authenticated === false && (
        <button
          type="button"
          className="jp-mod-styled"
          data-testid="agor-trouble-keys"
          onClick={() => run(CommandIds.showAgents)}
        >
          {trans.__('Agents and keys')}
        </button>
      )}
      {mayRun && wentWrong(session.last_stop_reason) && (
        <button
          type="button"
          className="jp-mod-styled"
          data-testid="agor-retry"
          title={trans.__('Send the prompt once more, with its files')}
          onClick={() => run(CommandIds.retryPrompt)}
        >
          {trans.__('Try again')}
        </button>
      )}
      {session.queue.length === 0 && session.status !== 'idle' && (
        <button
          type="button"
          className="jp-mod-styled"
          onClick={() => run(CommandIds.resumeSession)}
        >
          {trans.__('Resume')}
        </button>
      )}
    </div>
  );
}

/** Says the end of an answer and a request for approval to a screen reader, politely. */
function Announcer(): ReactElement {
  const { store, workspace } = useSessionView();
  const trans = useTrans();
  const status = useStore(store, state => state.session?.status ?? 'idle');
  const seen = useStore(store, state => state.session?.updated_ms ?? 0);
  useEffect(() => {
    if (document.visibilityState === 'visible') {
      workspace.seen.mark(store.id, seen);
    }
  }, [workspace, store, seen]);
  const quiet = status === 'running' || status === 'starting';
  return (
    <div className="jp-AgorHidden" aria-live="polite">
      {quiet ? '' : trans.__(wordOf(status))}
    </div>
  );
}
