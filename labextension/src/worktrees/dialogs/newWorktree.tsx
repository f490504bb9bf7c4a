/** Ask for a worktree: which repository, a name, from which branch. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import { useEffect, useState } from 'react';
import type { BranchInfo } from '../../api/repos';
import { createWorktree, fetchBranches } from '../../api/repos';
import type { Point } from '../../domain/boardLayout';
import type { Workspace } from '../../model/workspace';
import type { Repo, Worktree } from '../../schema/types';
import type { FieldsProps } from '../../ui/formDialog';
import { askForm, Field, TextField } from '../../ui/formDialog';
import { useTrans } from '../../ui/trans';

interface WorktreeForm {
  readonly repo_id: string;
  readonly name: string;
  readonly base: string;
}

export interface WorktreeWish {
  readonly boardId: string | null;
  readonly pos?: Point;
}

/** Turn what was typed into what may be a folder: spaces become dashes, the rest is left to the server. */
export function toName(text: string): string {
  return text.trim().replace(/\s+/g, '-');
}

export async function askWorktree(
  workspace: Workspace,
  wish: WorktreeWish,
  trans: TranslationBundle
): Promise<Worktree | null> {
  const repos = [...workspace.repos.get().values()];
  const first = repos.at(-1);
  if (first === undefined) {
    return null;
  }
  const worktree = await askForm<WorktreeForm, Worktree>({
    title: trans.__('Make a worktree'),
    accept: trans.__('Make worktree'),
    initial: { repo_id: first.id, name: '', base: first.default_branch },
    fields: props => <WorktreeFields {...props} workspace={workspace} repos={repos} />,
    attempt: ({ repo_id, name, base }, key) =>
      createWorktree(
        workspace.http,
        {
          repo_id,
          name: toName(name),
          base,
          ...(wish.boardId === null ? {} : { board_id: wish.boardId }),
          ...(wish.pos === undefined ? {} : { pos: [...wish.pos] as [number, number] })
        },
        key
      ),
    trans
  });
  if (worktree !== null) {
    workspace.take({ worktree });
  }
  return worktree;
}

interface WorktreeFieldsProps extends FieldsProps<WorktreeForm> {
  readonly workspace: Workspace;
  readonly repos: readonly Repo[];
}

function WorktreeFields({ value, onChange, workspace, repos }: WorktreeFieldsProps): ReactElement {
  const trans = useTrans();
  const branches = useBranches(workspace, value.repo_id);
  const names = branches.map(branch => branch.name);
  const name = toName(value.name);
  return (
    <>
      <TextField
        label={trans.__('Name')}
        hint={name === '' ? trans.__('What the work is about, e.g. fix-login.') : trans.__('A new folder and branch: %1', name)}
        data-agor-first
        data-testid="agor-worktree-name"
        value={value.name}
        spellCheck={false}
        maxLength={63}
        onText={typed => onChange({ name: typed })}
      />
      <Field label={trans.__('Repository')}>
        <select
          className="jp-mod-styled"
          data-testid="agor-worktree-repo"
          value={value.repo_id}
          onChange={event => {
            const repo = repos.find(each => each.id === event.target.value);
            onChange({ repo_id: event.target.value, base: repo?.default_branch ?? '' });
          }}
        >
          {repos.map(repo => (
            <option key={repo.id} value={repo.id}>
              {repo.name}
            </option>
          ))}
        </select>
      </Field>
      <Field label={trans.__('Starts from')}>
        <select
          className="jp-mod-styled"
          data-testid="agor-worktree-base"
          value={value.base}
          onChange={event => onChange({ base: event.target.value })}
        >
          {(names.includes(value.base) ? names : [value.base, ...names]).map(each => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </Field>
    </>
  );
}

function useBranches(workspace: Workspace, repoId: string): readonly BranchInfo[] {
  const [branches, setBranches] = useState<readonly BranchInfo[]>([]);
  useEffect(() => {
    let wanted = true;
    fetchBranches(workspace.http, repoId)
      // The default branch stands in the list anyway; a list that cannot be read offers no more.
      .catch(() => [])
      .then(found => {
        if (wanted) {
          setBranches(found);
        }
      })
      .catch(() => {});
    return () => {
      wanted = false;
    };
  }, [workspace, repoId]);
  return branches;
}
