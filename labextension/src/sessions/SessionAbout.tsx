/** The header's second line: whose login it works with, which agent, how that is set, and where it works. */
import type { ReactElement } from 'react';
import { CommandIds } from '../domain/commandIds';
import { useStore, useValue } from '../model/store';
import type { Session } from '../schema/types';
import { Face } from '../ui/Face';
import { useTrans } from '../ui/trans';
import { openAgentMenu } from './agentMenu';
import { PromptMenus } from './PromptMenus';
import { Trust } from './Trust';
import { useAgent, useRun, useSessionView } from './view';

interface About {
  readonly session: Session;
}

export function SessionAbout({ session }: About): ReactElement {
  const trans = useTrans();
  return (
    <div className="jp-AgorSessionAbout" role="group" aria-label={trans.__('About the session')}>
      <Owner session={session} />
      <AgentButton session={session} />
      <PromptMenus inHeader />
      <WorktreeLink session={session} />
      <Origin session={session} />
      <Trust session={session} />
    </div>
  );
}

function Owner({ session }: About): ReactElement {
  const trans = useTrans();
  const name = session.owner_name || session.owner;
  const what = trans.__('Owner: %1. The session works with their login; its owner does not change.', name);
  return (
    <span className="jp-AgorSessionAbout-owner" title={what} data-testid="agor-owner">
      <span aria-hidden>
        <Face name={name} title={what} size={18} />
      </span>
      <span aria-hidden dir="auto">
        {name}
      </span>
      <span className="jp-AgorHidden">{what}</span>
    </span>
  );
}

/** The agent's name. A session keeps its kind for life: what another one would go on in is a fork. */
function AgentButton({ session }: About): ReactElement {
  const view = useSessionView();
  const trans = useTrans();
  const title = useAgent()?.title ?? session.agent;
  const others = useStore(view.workspace.agents, agents => agents).filter(each => each.kind !== session.agent);
  const may = view.workspace.may('execute', 'agor:sessions');
  const why = session.current_task !== null
    ? trans.__('Another agent can go on when this turn has ended.')
    : trans.__('Go on with another agent, in a fork: it is given a transcript of what was said.');
  return (
    <button
      type="button"
      className="jp-AgorSessionAbout-agent"
      aria-haspopup="menu"
      aria-label={trans.__('Agent: %1. %2', title, why)}
      title={why}
      data-testid="agor-agent"
      disabled={!may || others.length === 0 || session.current_task !== null}
      onClick={event => openAgentMenu(view, others, trans, event.currentTarget)}
    >
      {title}
    </button>
  );
}

function WorktreeLink({ session }: About): ReactElement | null {
  const { workspace } = useSessionView();
  const run = useRun();
  const trans = useTrans();
  const worktree = useValue(workspace.worktrees).get(session.worktree_id);
  if (worktree === undefined) {
    return null;
  }
  return (
    <button
      type="button"
      className="jp-AgorLink"
      title={trans.__('Show on the board')}
      onClick={() => run(CommandIds.openBoard, { board_id: worktree.board_id ?? '', focus: worktree.id })}
    >
      {worktree.branch.endsWith(worktree.name) ? worktree.branch : `${worktree.name} · ${worktree.branch}`}
    </button>
  );
}

/** What a fork branched off; says so where its agent does not remember it. */
function Origin({ session }: About): ReactElement | null {
  const { workspace } = useSessionView();
  const run = useRun();
  const trans = useTrans();
  const parent = session.parent_id ?? '';
  const title = useStore(workspace.sessions, sessions => sessions.get(parent)?.title ?? '');
  if (parent === '' || session.genealogy !== 'fork') {
    return null;
  }
  return (
    <button
      type="button"
      className="jp-AgorLink"
      data-testid="agor-origin"
      title={session.origin?.replayed === true ? trans.__('Its agent was given a transcript: it does not remember by itself.') : trans.__('Open what it branched off')}
      onClick={() => run(CommandIds.openSession, { session_id: parent })}
    >
      {title === '' ? trans.__('Fork') : trans.__('Fork of %1', title)}
    </button>
  );
}
