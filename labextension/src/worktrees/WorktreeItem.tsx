/** One worktree in the list, with its sessions below it. */
import type { ReactElement } from 'react';
import { memo } from 'react';
import { glyphOf, glyphOfTree } from '../domain/attention';
import { CommandIds } from '../domain/commandIds';
import type { SessionView, WorktreeView } from '../model/attention';
import { Ago } from '../ui/Ago';
import { plusIcon } from '../ui/icons';
import { StatusDot } from '../ui/StatusDot';
import { useTrans } from '../ui/trans';
import { usePanel } from './SidePanel';

export const WorktreeItem = memo(function WorktreeItem({ view }: { readonly view: WorktreeView }): ReactElement {
  const trans = useTrans();
  const { run, workspace } = usePanel();
  const { worktree, sessions } = view;
  const lost = worktree.state === 'missing' || worktree.state === 'failed';
  return (
    <li className="jp-AgorPanel-item" data-testid="agor-panel-worktree" data-agor-worktree={worktree.id}>
      <div className="jp-AgorPanel-line">
        <button
          type="button"
          className="jp-AgorPanel-row"
          title={`${worktree.name}\n${worktree.branch} ← ${worktree.base}`}
          onClick={() =>
            worktree.board_id === null
              ? run(CommandIds.openWorktree, { worktree_id: worktree.id })
              : run(CommandIds.openBoard, { board_id: worktree.board_id, focus: worktree.id })
          }
        >
          <StatusDot glyph={glyphOfTree(worktree.state, sessions)} />
          <span className="jp-AgorPanel-name">{worktree.name}</span>
          {!worktree.branch.endsWith(worktree.name) && (
            <span className="jp-AgorPanel-branch">{worktree.branch}</span>
          )}
        </button>
        {!lost && workspace.may('execute', 'agor:sessions') && (
          <button
            type="button"
            className="jp-AgorIconButton"
            aria-label={trans.__('New session in %1', worktree.name)}
            title={trans.__('New session')}
            data-testid="agor-new-session"
            onClick={() => run(CommandIds.createSession, { worktree_id: worktree.id })}
          >
            <plusIcon.react tag="span" className="jp-AgorIcon" />
          </button>
        )}
      </div>
      {lost && <p className="jp-AgorPanel-note">{worktree.detail}</p>}
      {sessions.length > 0 && (
        <ul aria-label={trans.__('Sessions of %1', worktree.name)}>
          {sessions.map(each => (
            <SessionItem key={each.session.id} view={each} />
          ))}
        </ul>
      )}
    </li>
  );
});

function SessionItem({ view }: { readonly view: SessionView }): ReactElement {
  const trans = useTrans();
  const { run } = usePanel();
  const { session } = view;
  const title = session.title === '' ? trans.__('Untitled') : session.title;
  return (
    <li>
      <button
        type="button"
        className="jp-AgorPanel-row jp-AgorPanel-session"
        title={title}
        data-testid="agor-panel-session"
        data-agor-session={session.id}
        onClick={() => run(CommandIds.openSession, { session_id: session.id })}
      >
        <StatusDot glyph={glyphOf(view)} />
        <span className="jp-AgorPanel-name" dir="auto">
          {title}
        </span>
        <Ago atMs={session.updated_ms} />
      </button>
    </li>
  );
}
