/** What the parts of one session's panel share, handed down by a context. */
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { createContext, useCallback, useContext, useMemo } from 'react';
import type { AgentInfo } from '../api/agents';
import { atHand } from '../domain/abilities';
import { useStore } from '../model/store';
import type { SessionStore } from '../model/sessionStore';
import type { Workspace } from '../model/workspace';
import type { Drafts } from './drafts';

export interface SessionView {
  readonly store: SessionStore;
  readonly workspace: Workspace;
  readonly commands: CommandRegistry;
  readonly rendermime: IRenderMimeRegistry;
  readonly drafts: Drafts;
}

export const SessionContext = createContext<SessionView | null>(null);

export function useSessionView(): SessionView {
  const view = useContext(SessionContext);
  if (view === null) {
    throw new Error('a part of the session panel stands outside of it');
  }
  return view;
}

/** Give a way to run commands about this session. A command says itself what went wrong. */
export function useRun(): (command: string, args?: ReadonlyPartialJSONObject) => void {
  const { commands, store } = useSessionView();
  return useCallback(
    (command, args = {}) => void commands.execute(command, { session_id: store.id, ...args }).catch(console.warn),
    [commands, store]
  );
}

const NOTHING: readonly string[] = [];

/** Give the session's agent, once its kind is known: without what it said that it lacks. */
export function useAgent(): AgentInfo | undefined {
  const { store, workspace } = useSessionView();
  const kind = useStore(store, state => state.session?.agent);
  const lacks = useStore(store, state => state.session?.unable ?? NOTHING);
  const agent = useStore(workspace.agents, agents => agents.find(each => each.kind === kind));
  return useMemo(() => (agent === undefined ? undefined : atHand(agent, lacks)), [agent, lacks]);
}
