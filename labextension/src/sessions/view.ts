/** What the parts of one session's panel share, handed down by a context. */
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { CommandRegistry } from '@lumino/commands';
import { createContext, useContext } from 'react';
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
