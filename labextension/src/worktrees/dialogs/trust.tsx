/** What trust would switch on, as a list; and the person's answer to it. */
import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import { distrustRepo, fetchTrust, trustRepo } from '../../api/repos';
import { ProblemError } from '../../api/problem';
import type { Workspace } from '../../model/workspace';
import type { Repo, RepoTrust, TrustItem } from '../../schema/types';
import { launchDialog } from '../../ui/formDialog';
import { TransContext, useTrans } from '../../ui/trans';
import type { ReadFile } from './TrustedFile';
import { TrustedFile } from './TrustedFile';

const CONFLICT = 409;

/** Show it and do what the person says; null when nothing was changed. A list that is out of date is shown anew. */
export async function showTrust(
  workspace: Workspace,
  repo: Repo,
  read: ReadFile,
  trans: TranslationBundle
): Promise<RepoTrust | null> {
  let problem: ProblemError | null = null;
  for (;;) {
    const shown = await fetchTrust(workspace.http, repo.id);
    workspace.trust.take(shown);
    const wish = await ask(workspace, { repo, trust: shown, problem, read }, trans);
    if (wish === null) {
      return null;
    }
    try {
      const told = wish
        ? await trustRepo(workspace.http, repo.id, shown.digest)
        : await distrustRepo(workspace.http, repo.id);
      workspace.trust.take(told);
      return told;
    } catch (error) {
      if (!(error instanceof ProblemError) || error.status !== CONFLICT) {
        throw error;
      }
      problem = error;
    }
  }
}

/** Ask: true to trust, false to trust no longer, null to leave it. */
async function ask(
  workspace: Workspace,
  asked: Omit<BodyProps, 'mine'>,
  trans: TranslationBundle
): Promise<boolean | null> {
  const { repo, trust } = asked;
  const mine = repo.owner === workspace.me.get()?.person.id || workspace.may('admin', 'agor:worktrees');
  const trusted = trust.state === 'trusted';
  const buttons = [Dialog.cancelButton({ label: mine && !trusted ? trans.__('Not now') : trans.__('Close') })];
  if (mine && !trusted) {
    buttons.push(Dialog.okButton({ label: trans.__('Trust %1', repo.name) }));
  } else if (mine && !trust.by_setting) {
    buttons.push(Dialog.warnButton({ label: trans.__('Trust no longer') }));
  }
  const body = ReactWidget.create(
    <TransContext.Provider value={trans}>
      <TrustBody {...asked} mine={mine} />
    </TransContext.Provider>
  );
  body.addClass('jp-AgorForm');
  const dialog = new Dialog({
    title: trusted ? trans.__('%1 is trusted', repo.name) : trans.__('Do you trust %1?', repo.name),
    body,
    buttons,
    defaultButton: 0 // an Enter that comes too early trusts nothing
  });
  dialog.addClass('jp-AgorDialog');
  dialog.addClass('jp-AgorTrustDialog');
  const { button } = await launchDialog(dialog);
  return button.accept ? !trusted : null;
}

export interface BodyProps {
  readonly repo: Repo;
  readonly trust: RepoTrust;
  readonly mine: boolean;
  readonly problem: ProblemError | null;
  readonly read: ReadFile;
}

export function TrustBody({ repo, trust, mine, problem, read }: BodyProps): ReactElement {
  const trans = useTrans();
  const active = trust.items.filter(item => item.active);
  const other = trust.items.filter(item => !item.active);
  return (
    <div className="jp-AgorTrust" data-testid="agor-trust">
      {problem !== null && (
        <div className="jp-AgorForm-problem" role="alert">
          <strong>{problem.detail}</strong>
        </div>
      )}
      <p>{saying(trust, repo, trans)}</p>
      {active.length === 0 ? (
        <p>{trans.__('It brings no instructions or settings for agents at the moment.')}</p>
      ) : (
        <Items title={trans.__('Trust switches on')} items={active} read={read} />
      )}
      {other.length > 0 && (
        <Items title={trans.__('Also there, and never switched on by trust')} items={other} read={read} quiet />
      )}
      {!trust.complete && <p>{trans.__('There are too many folders to look into all of them.')}</p>}
      {!mine && <p>{trans.__('Only %1 or an admin may decide this.', repo.owner)}</p>}
      <p className="jp-AgorTrust-foot">
        {trans.__('A change of these files asks again. An agent that runs now keeps what it started with.')}
      </p>
    </div>
  );
}

function saying(trust: RepoTrust, repo: Repo, trans: TranslationBundle): string {
  if (trust.by_setting) {
    return trans.__('A setting of this server trusts everything below its folder.');
  }
  switch (trust.state) {
    case 'trusted':
      return trans.__('%1 trusts it: agents read its instructions and settings.', trust.trusted_by ?? repo.owner);
    case 'changed':
      return trans.__('It was trusted, and what lies there has changed since. Until you look, it is not read.');
    default:
      return trans.__('Its files can instruct agents and run programs in your name. Until you trust it, none is read.');
  }
}

interface ItemsProps {
  readonly title: string;
  readonly items: readonly TrustItem[];
  readonly read: ReadFile;
  readonly quiet?: boolean;
}

function Items({ title, items, read, quiet = false }: ItemsProps): ReactElement {
  const trans = useTrans();
  const list = (
    <ul>
      {items.map(item => (
        <li key={item.path} title={item.places.join(', ')}>
          <TrustedFile item={item} read={read} />
          {item.runs && <strong>{trans.__('can run programs')}</strong>}
          <span>{item.effect}</span>
        </li>
      ))}
    </ul>
  );
  return quiet ? (
    <details>
      <summary>
        {title} ({items.length})
      </summary>
      {list}
    </details>
  ) : (
    // It can be long: who has only a keyboard scrolls it from here.
    <section aria-label={title} tabIndex={0}>
      <h4>{title}</h4>
      {list}
    </section>
  );
}
