/** Which of the project's instructions the agent read when it started, or that they were held back. */
import type { ReactElement } from 'react';
import { CommandIds } from '../domain/commandIds';
import { useValue } from '../model/store';
import { isHeldBack, useTrust } from '../model/trust';
import type { Session } from '../schema/types';
import { useTrans } from '../ui/trans';
import { useAgent, useRun, useSessionView } from './view';

export function Trust({ session }: { readonly session: Session }): ReactElement | null {
  const trans = useTrans();
  const run = useRun();
  const { workspace } = useSessionView();
  const worktree = useValue(workspace.worktrees).get(session.worktree_id);
  const repo = useValue(workspace.repos).get(worktree?.repo_id ?? '');
  const trust = useTrust(workspace.trust, repo);
  const able = useAgent()?.capabilities.instructions === true;
  if (!able || repo === undefined || session.trusted === null) {
    return null;
  }
  if (session.trusted) {
    const names = session.instructions.map(path => path.split('/').at(-1) ?? path);
    return names.length === 0 ? null : (
      <span
        className="jp-AgorSessionHeader-trust"
        data-testid="agor-instructions"
        title={trans.__('The agent read these instructions when it started: %1', session.instructions.join(', '))}
      >
        {[...new Set(names)].join(', ')}
      </span>
    );
  }
  const since = trust?.state === 'trusted' && trust.items.some(item => item.active);
  if (!since && !isHeldBack(trust)) {
    return null;
  }
  return (
    <button
      type="button"
      className="jp-AgorSessionHeader-trust jp-mod-held"
      data-testid="agor-not-trusted"
      title={
        since
          ? trans.__('Trusted since this agent started: the project’s instructions are read at its next start.')
          : trans.__('The agent started without the project’s instructions and settings. See what they are.')
      }
      onClick={() => run(CommandIds.trustRepo, { repo_id: repo.id })}
    >
      {since ? trans.__('Trusted from the next start') : trans.__('Not trusted')}
    </button>
  );
}
