/** One board's view: bar, canvas, search, and the words of an empty or unreachable board. */
import { ReactFlowProvider } from '@xyflow/react';
import type { ReactElement } from 'react';
import { useEffect, useState } from 'react';
import { CommandIds } from '../domain/commandIds';
import { useStore, useValue } from '../model/store';
import { useDelayed } from '../ui/delayed';
import { Empty } from '../ui/Empty';
import { useTrans } from '../ui/trans';
import { BoardBar } from './BoardBar';
import { BoardCanvas } from './BoardCanvas';
import { BoardSearch } from './BoardSearch';
import type { BoardView } from './view';
import { BoardViewContext, useBoardView } from './view';

export function Board({ view }: { readonly view: BoardView }): ReactElement {
  return (
    <BoardViewContext.Provider value={view}>
      <div className="jp-AgorBoard" data-testid="agor-board" data-agor-board={view.doc.id}>
        <BoardBar />
        <div className="jp-AgorBoard-ground">
          <ReactFlowProvider>
            <BoardCanvas />
          </ReactFlowProvider>
          <Teaching />
          <BoardSearch />
        </div>
      </div>
    </BoardViewContext.Provider>
  );
}

/** What an empty board says: the one next step, from a repository to the first words. */
function Teaching(): ReactElement | null {
  const trans = useTrans();
  const view = useBoardView();
  const ready = useReady(view);
  const slow = useDelayed(!ready);
  const count = useStore(view.doc.worktrees, cards => cards.size);
  const repos = useStore(view.workspace.repos, items => items.size);
  const mayMake = useStore(view.workspace.me, () => view.workspace.may('write', 'agor:worktrees'));
  const state = useValue(view.doc.state);
  if (!ready) {
    return slow ? (
      <div className="jp-AgorBoard-empty" role="status">
        {state === 'away' ? trans.__('The server does not answer yet; trying again.') : <SkeletonCards />}
      </div>
    ) : null;
  }
  if (count > 0) {
    return null;
  }
  const action =
    repos === 0
      ? { label: trans.__('Add a repository'), run: () => view.run(CommandIds.addRepo), testId: 'agor-empty-repo' }
      : { label: trans.__('Make a worktree'), run: () => view.run(CommandIds.createWorktree), testId: 'agor-empty-worktree' };
  return (
    <div className="jp-AgorBoard-empty">
      <Empty title={trans.__('A board for work in progress')} {...(mayMake ? { action } : {})}>
        <ol>
          <li data-done={repos > 0}>{trans.__('Add a repository.')}</li>
          <li>{trans.__('Make a worktree: a branch with its own folder, where an agent cannot disturb yours.')}</li>
          <li>{trans.__('Say what you want done. The card shows how it goes and what it asks.')}</li>
        </ol>
      </Empty>
    </div>
  );
}

function SkeletonCards(): ReactElement {
  const trans = useTrans();
  return (
    <div className="jp-AgorSkeletons" aria-label={trans.__('Loading')}>
      <div />
      <div />
      <div />
    </div>
  );
}

function useReady(view: BoardView): boolean {
  const [ready, setReady] = useState(false);
  useEffect(() => {
    let wanted = true;
    void view.doc.ready.then(() => {
      if (wanted) {
        setReady(true);
      }
    });
    return () => {
      wanted = false;
    };
  }, [view]);
  return ready;
}
