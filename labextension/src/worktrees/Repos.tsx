/** The repositories in the panel; one whose instructions are held back says so, with the way to decide. */
import type { ReactElement } from 'react';
import { CommandIds } from '../domain/commandIds';
import { useValue } from '../model/store';
import { isHeldBack, useTrust } from '../model/trust';
import type { Repo } from '../schema/types';
import { repoIcon } from '../ui/icons';
import { useTrans } from '../ui/trans';
import { usePanel } from './SidePanel';

export function Repos(): ReactElement {
  const trans = useTrans();
  const { workspace } = usePanel();
  const repos = [...useValue(workspace.repos).values()];
  return (
    <>
      <h3 className="jp-AgorPanel-heading">{trans.__('Repositories')}</h3>
      <ul className="jp-AgorPanel-list" aria-label={trans.__('Repositories')}>
        {repos.map(repo => (
          <RepoItem key={repo.id} repo={repo} />
        ))}
      </ul>
    </>
  );
}

function RepoItem({ repo }: { readonly repo: Repo }): ReactElement {
  const trans = useTrans();
  const { workspace, run } = usePanel();
  const trust = useTrust(workspace.trust, repo);
  const open = (): void => run(CommandIds.trustRepo, { repo_id: repo.id });
  return (
    <li className="jp-AgorPanel-item" data-testid="agor-panel-repo" data-agor-trust={trust?.state ?? ''}>
      <div className="jp-AgorPanel-line">
        <button type="button" className="jp-AgorPanel-row" title={repo.path} onClick={open}>
          <repoIcon.react tag="span" className="jp-AgorIcon" />
          <span className="jp-AgorPanel-name">{repo.name}</span>
        </button>
      </div>
      {isHeldBack(trust) && (
        <p className="jp-AgorPanel-note jp-mod-quiet">
          {trust?.state === 'changed'
            ? trans.__('Changed since it was trusted: project instructions and settings are not read.')
            : trans.__('Not trusted: project instructions and settings are not read.')}{' '}
          <button type="button" className="jp-AgorLink" data-testid="agor-see-trust" onClick={open}>
            {trans.__('See what they are')}
          </button>
        </p>
      )}
    </li>
  );
}
