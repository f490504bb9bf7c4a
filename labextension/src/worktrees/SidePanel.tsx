/** The side bar's list: what needs attention first, and the way to everything else. */
import type { CommandRegistry } from '@lumino/commands';
import type { ReactElement } from 'react';
import { createContext, useContext, useMemo } from 'react';
import { CommandIds } from '../domain/commandIds';
import type { WorktreeView } from '../model/attention';
import { worktreeViews } from '../model/attention';
import { useValue } from '../model/store';
import type { Workspace } from '../model/workspace';
import { useDelayed } from '../ui/delayed';
import { Empty } from '../ui/Empty';
import { agentIcon, boardIcon, plusIcon, repoIcon } from '../ui/icons';
import { useTrans } from '../ui/trans';
import { PanelHead } from './PanelHead';
import { Repos } from './Repos';
import { WorktreeItem } from './WorktreeItem';

export interface Panel {
  readonly workspace: Workspace;
  readonly commands: CommandRegistry;
}

const PanelContext = createContext<Panel | null>(null);

export function usePanel(): Panel & { readonly run: (command: string, args?: Record<string, string>) => void } {
  const panel = useContext(PanelContext);
  if (panel === null) {
    throw new Error('this part belongs inside the side panel');
  }
  return useMemo(
    () => ({ ...panel, run: (command, args = {}) => {
        // A command says itself what went wrong; a view has nothing to add.
        panel.commands.execute(command, args).catch(console.warn);
      }
    }),
    [panel]
  );
}

export function SidePanel({ panel }: { readonly panel: Panel }): ReactElement {
  return (
    <PanelContext.Provider value={panel}>
      <div className="jp-AgorPanel" data-testid="agor-panel">
        <PanelHead />
        <PanelBody />
        <ToAgents />
      </div>
    </PanelContext.Provider>
  );
}

function PanelBody(): ReactElement | null {
  const trans = useTrans();
  const { workspace } = usePanel();
  const state = useValue(workspace.state);
  const views = useViews(workspace);
  const slow = useDelayed(state === 'loading');
  if (state === 'loading') {
    return slow ? <Skeleton /> : null;
  }
  if (state === 'failed') {
    return <Failed />;
  }
  if (views.length === 0) {
    return <Nothing />;
  }
  return (
    <>
      <Boards />
      <h3 className="jp-AgorPanel-heading">{trans.__('Worktrees')}</h3>
      <ul className="jp-AgorPanel-list" aria-label={trans.__('Worktrees, what needs attention first')}>
        {views.map(view => (
          <WorktreeItem key={view.worktree.id} view={view} />
        ))}
      </ul>
      <Repos />
      <Actions />
    </>
  );
}

function ToAgents(): ReactElement | null {
  const trans = useTrans();
  const { workspace, run } = usePanel();
  return useValue(workspace.state) === 'ready' ? (
    <div className="jp-AgorPanel-actions jp-mod-foot">
      <button
        type="button"
        className="jp-AgorTextButton"
        data-testid="agor-show-agents"
        onClick={() => run(CommandIds.showAgents)}
      >
        <agentIcon.react tag="span" className="jp-AgorIcon" /> {trans.__('Agents and keys')}
      </button>
    </div>
  ) : null;
}

function Actions(): ReactElement | null {
  const trans = useTrans();
  const { workspace, run } = usePanel();
  if (!workspace.may('write', 'agor:worktrees')) {
    return null;
  }
  return (
    <div className="jp-AgorPanel-actions">
      <button
        type="button"
        className="jp-AgorTextButton"
        data-testid="agor-new-worktree"
        onClick={() => run(CommandIds.createWorktree)}
      >
        <plusIcon.react tag="span" className="jp-AgorIcon" /> {trans.__('New worktree')}
      </button>
      <button
        type="button"
        className="jp-AgorTextButton"
        data-testid="agor-add-repo"
        onClick={() => run(CommandIds.addRepo)}
      >
        <repoIcon.react tag="span" className="jp-AgorIcon" /> {trans.__('Add repository')}
      </button>
    </div>
  );
}

function useViews(workspace: Workspace): readonly WorktreeView[] {
  const sessions = useValue(workspace.sessions);
  const worktrees = useValue(workspace.worktrees);
  const seen = useValue(workspace.seen);
  const me = useValue(workspace.me);
  // The lists are read through the workspace; these values say when to read them anew.
  // eslint-disable-next-line react-hooks/exhaustive-deps -- see above
  return useMemo(() => worktreeViews(workspace), [workspace, sessions, worktrees, seen, me]);
}

function Boards(): ReactElement {
  const trans = useTrans();
  const { workspace, run } = usePanel();
  const boards = [...useValue(workspace.boards).values()].filter(board => !board.archived);
  return (
    <ul className="jp-AgorPanel-list" aria-label={trans.__('Boards')}>
      {boards.map(board => (
        <li key={board.id}>
          <button
            type="button"
            className="jp-AgorPanel-row"
            data-testid="agor-open-board"
            data-agor-board={board.id}
            onClick={() => run(CommandIds.openBoard, { board_id: board.id })}
          >
            <boardIcon.react tag="span" className="jp-AgorIcon" />
            <span className="jp-AgorPanel-name">{board.name}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** The empty panel teaches the path: a repository, a worktree, the first words. */
function Nothing(): ReactElement {
  const trans = useTrans();
  const { workspace, run } = usePanel();
  const repos = useValue(workspace.repos);
  const mayMake = workspace.may('write', 'agor:worktrees');
  const action =
    repos.size === 0
      ? { label: trans.__('Add a repository'), run: () => run(CommandIds.addRepo), testId: 'agor-add-repo' }
      : { label: trans.__('Make a worktree'), run: () => run(CommandIds.createWorktree), testId: 'agor-new-worktree' };
  return (
    <>
      {repos.size > 0 && <Boards />}
      {repos.size > 0 && <Repos />}
      <Empty title={trans.__('Work with agents, side by side')} {...(mayMake ? { action } : {})}>
        {repos.size === 0
          ? trans.__('Add a git repository first. Each piece of work then gets a folder and a branch of its own.')
          : trans.__('A worktree is a branch with its own folder: an agent works there and cannot disturb yours.')}
      </Empty>
    </>
  );
}

function Failed(): ReactElement {
  const trans = useTrans();
  const { workspace } = usePanel();
  const error = useValue(workspace.error) as { detail?: string; hint?: string } | null;
  return (
    <Empty
      title={trans.__('Agor cannot be reached')}
      action={{ label: trans.__('Try again'), run: () => void workspace.load() }}
    >
      <p role="alert">{error?.detail ?? ''}</p>
      <p>{error?.hint ?? ''}</p>
    </Empty>
  );
}

function Skeleton(): ReactElement {
  const trans = useTrans();
  return (
    <div className="jp-AgorSkeletons" role="status" aria-label={trans.__('Loading')}>
      <div />
      <div />
      <div />
    </div>
  );
}
