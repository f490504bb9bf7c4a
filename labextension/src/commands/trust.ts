/** Commands about whether a repository's instructions and settings are read. */
import { readText, type ContentsDoor } from '../api/files';
import { distrustRepo } from '../api/repos';
import { ProblemError } from '../api/problem';
import { CommandIds } from '../domain/commandIds';
import type { Repo } from '../schema/types';
import { notifyDone } from '../ui/notify';
import { showTrust } from '../worktrees/dialogs/trust';
import { askItem } from './ask';
import type { Args, Command, CommandContext } from './table';
import { text, textArg } from './table';
import { targetOf } from './targets';

const repoArg = { repo_id: text('The repository; the one of what is in front, or asked for, when absent.') };

export function trustCommands(context: CommandContext & { readonly contents: ContentsDoor }): Command[] {
  const { app, contents, trans } = context;
  const { workspace } = app;
  return [
    {
      id: CommandIds.trustRepo,
      label: trans.__('Trust Repository…'),
      caption: trans.__('See what a repository brings along, and decide whether agents may read it'),
      args: repoArg,
      enabled: () => workspace.may('write', 'agor:worktrees'),
      execute: async args => {
        const repo = await repoOf(context, args);
        return repo === null ? null : await showTrust(workspace, repo, path => readText(contents, path), trans);
      }
    },
    {
      id: CommandIds.distrustRepo,
      label: trans.__('Trust Repository No Longer…'),
      args: repoArg,
      enabled: () => workspace.may('write', 'agor:worktrees'),
      execute: async args => {
        const repo = await repoOf(context, args);
        if (repo === null) {
          return null;
        }
        const told = await distrustRepo(app.http, repo.id);
        workspace.trust.take(told);
        notifyDone(
          trans.__('%1 is not trusted any more. An agent that runs now keeps what it started with.', repo.name),
          trans
        );
        return told;
      }
    }
  ];
}

async function repoOf(context: CommandContext, args: Args): Promise<Repo | null> {
  const { app, trans } = context;
  const { repos, worktrees } = app.workspace;
  const known = repos.get();
  const worktree = worktrees.get().get(targetOf(context, args).worktree ?? '');
  const id = textArg(args, 'repo_id') ?? worktree?.repo_id ?? (known.size === 1 ? [...known.keys()][0] : undefined);
  if (id === undefined && known.size > 0) {
    const items = [...known.values()].map(repo => [repo.id, repo.name] as const);
    const chosen = await askItem(trans.__('Which repository?'), items);
    return known.get(chosen ?? '') ?? null;
  }
  const repo = known.get(id ?? '');
  if (repo === undefined) {
    throw new ProblemError({ detail: trans.__('There is no repository to act on (repo_id).') }, id === undefined ? 0 : 404);
  }
  return repo;
}
