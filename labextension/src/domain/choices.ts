/** What somebody chose last for a new session: kept as one setting a repository, and one for all. */
import type { Mode } from './modes';

export interface LastChoice {
  readonly agent?: string;
  readonly mode?: Mode;
  readonly model?: string;
  readonly effort?: string;
  /** MCP servers that were switched off, by name: what is added later is on. */
  readonly without?: readonly string[];
}

const ANYWHERE = 'new-session';

/** Name the settings of a choice, the nearer first. */
export function choiceKeys(repoId: string | null): readonly [string, string] {
  return [repoId === null ? ANYWHERE : `${ANYWHERE}.${repoId}`, ANYWHERE];
}

/** Read a kept choice; what cannot be read is none. */
export function choiceFrom(text: string | undefined): LastChoice {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    if (typeof value !== 'object' || value === null) {
      return {};
    }
    const { without, ...rest } = value as LastChoice;
    const names: unknown = without;
    return Array.isArray(names) ? { ...rest, without: names.filter(each => typeof each === 'string') } : rest;
  } catch {
    return {};
  }
}
