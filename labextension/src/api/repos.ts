/** Repositories and worktrees by REST. */
import type { Branch, CreateWorktree, Diff, Repo, RepoTrust, Suggestion, Worktree, WorktreeStatus } from '../schema/types';
import type { Http } from './http';

export type RepoSuggestion = Suggestion;
export type BranchInfo = Branch;
export type NewWorktree = Pick<CreateWorktree, 'repo_id' | 'name'> & Partial<CreateWorktree>;

export const fetchRepos = (http: Http): Promise<Repo[]> => http.list('repos');
export const fetchRepoSuggestions = (http: Http): Promise<RepoSuggestion[]> =>
  http.list('repos/suggestions');
export const fetchBranches = (http: Http, repoId: string): Promise<BranchInfo[]> =>
  http.list(`repos/${repoId}/branches`);
export const addRepo = (http: Http, path: string, name: string, key: string): Promise<Repo> =>
  http.post('repos', name === '' ? { path } : { path, name }, key);

export const fetchTrust = (http: Http, repoId: string): Promise<RepoTrust> => http.get(`repos/${repoId}/trust`);
/** Trust it as it was shown: the digest names the list. */
export const trustRepo = (http: Http, repoId: string, digest: string): Promise<RepoTrust> =>
  http.post(`repos/${repoId}/trust`, { trusted: true, digest });
export const distrustRepo = (http: Http, repoId: string): Promise<RepoTrust> =>
  http.post(`repos/${repoId}/trust`, { trusted: false });

export const fetchWorktrees = (http: Http): Promise<Worktree[]> => http.list('worktrees');
export const createWorktree = (http: Http, wanted: NewWorktree, key: string): Promise<Worktree> =>
  http.post('worktrees', wanted, key);
export const moveWorktree = (http: Http, id: string, boardId: string): Promise<Worktree> =>
  http.patch(`worktrees/${id}`, { board_id: boardId });
/** Archive the record and keep every file: nothing is lost, so nothing is asked. */
export const archiveWorktree = (http: Http, id: string): Promise<unknown> =>
  http.delete(`worktrees/${id}`, { files: 'keep', record: 'archive' });
export const fetchWorktreeStatus = (http: Http, id: string): Promise<WorktreeStatus> =>
  http.get(`worktrees/${id}/status`);

export type { FileDiff } from '../schema/types';

export const fetchDiff = (http: Http, id: string, against: string): Promise<Diff> =>
  http.get(`worktrees/${id}/diff`, { against });
