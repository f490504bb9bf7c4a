/** Ask for a repository. The folder JupyterLab is in and what lies below it is offered. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import type { RepoSuggestion } from '../../api/repos';
import { addRepo, fetchRepoSuggestions } from '../../api/repos';
import type { Workspace } from '../../model/workspace';
import type { Repo } from '../../schema/types';
import type { FieldsProps } from '../../ui/formDialog';
import { askForm, TextField } from '../../ui/formDialog';
import { useTrans } from '../../ui/trans';

interface RepoForm {
  readonly path: string;
  readonly name: string;
  readonly offered: readonly RepoSuggestion[];
}

export async function askRepo(workspace: Workspace, trans: TranslationBundle): Promise<Repo | null> {
  const known = new Set([...workspace.repos.get().values()].map(repo => repo.path));
  // Offers are a convenience: without them the path can still be typed.
  const all = await fetchRepoSuggestions(workspace.http).catch(() => []);
  const offered = all.filter(each => !known.has(each.path));
  const repo = await askForm<RepoForm, Repo>({
    title: trans.__('Add a repository'),
    accept: trans.__('Add repository'),
    initial: { path: offered[0]?.path ?? '', name: '', offered },
    fields: RepoFields,
    attempt: ({ path, name }, key) => addRepo(workspace.http, path.trim(), name.trim(), key),
    trans
  });
  if (repo !== null) {
    workspace.take({ repo });
  }
  return repo;
}

function RepoFields({ value, onChange }: FieldsProps<RepoForm>): ReactElement {
  const trans = useTrans();
  return (
    <>
      {value.offered.length > 0 && (
        <ul className="jp-AgorOffers" aria-label={trans.__('Repositories near this folder')}>
          {value.offered.slice(0, 6).map(({ path, name }) => (
            <li key={path}>
              <button
                type="button"
                aria-pressed={value.path === path}
                title={path}
                onClick={() => onChange({ path, name: '' })}
              >
                {name}
              </button>
            </li>
          ))}
        </ul>
      )}
      <TextField
        label={trans.__('Path')}
        hint={trans.__('A folder on the server that holds a git repository.')}
        data-agor-first
        data-testid="agor-repo-path"
        value={value.path}
        spellCheck={false}
        onText={path => onChange({ path })}
      />
      <TextField
        label={trans.__('Name (optional)')}
        value={value.name}
        onText={name => onChange({ name })}
      />
    </>
  );
}
