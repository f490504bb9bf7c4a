/**
 * Whether repositories are trusted, and what that would switch on. To know it the server looks at files, so it is
 * asked for where somebody sees a repository, and again when its record changes; not with the lists.
 */
import { useEffect } from 'react';
import { fetchTrust } from '../api/repos';
import type { Http } from '../api/http';
import type { Repo, RepoTrust } from '../schema/types';
import { Store, useStore } from './store';

export class TrustStore extends Store<ReadonlyMap<string, RepoTrust>> {
  constructor(private readonly http: Http) {
    super(new Map());
  }

  /** Ask the server. What cannot be known is not shown; the commands say what went wrong. */
  async look(repoId: string): Promise<void> {
    try {
      this.take(await fetchTrust(this.http, repoId));
    } catch (error) {
      console.warn(error);
    }
  }

  take(trust: RepoTrust): void {
    this.update(known => new Map(known).set(trust.repo_id, trust));
  }
}

/** Say whether something would be switched on that is not: only then is there anything to tell. */
export function isHeldBack(trust: RepoTrust | undefined): boolean {
  return trust !== undefined && trust.state !== 'trusted' && trust.items.some(item => item.active);
}

/** Give what is known of a repository's trust; it is looked up when it is first seen and when it changes. */
export function useTrust(store: TrustStore, repo: Repo | undefined): RepoTrust | undefined {
  const [id, since] = [repo?.id, repo?.trusted_ms];
  useEffect(() => {
    if (id !== undefined) {
      void store.look(id);
    }
  }, [store, id, since]);
  return useStore(store, known => (id === undefined ? undefined : known.get(id)));
}
