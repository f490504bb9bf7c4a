/** What every part of the Agents view works with. */
import type { CommandRegistry } from '@lumino/commands';
import { createContext, useContext, useMemo } from 'react';
import type { OwnThings } from '../model/ownThings';
import type { Workspace } from '../model/workspace';

export interface AgentsModel {
  readonly workspace: Workspace;
  readonly own: OwnThings;
  readonly commands: CommandRegistry;
}

export const AgentsContext = createContext<AgentsModel | null>(null);

export interface AgentsPart extends AgentsModel {
  readonly run: (command: string, args?: Record<string, string>) => void;
  /** Whether this person may set what is their own. */
  readonly mayWrite: boolean;
}

export function useAgents(): AgentsPart {
  const model = useContext(AgentsContext);
  if (model === null) {
    throw new Error('this part belongs inside the Agents view');
  }
  return useMemo(
    () => ({
      ...model,
      mayWrite: model.workspace.may('write', 'agor:credentials'),
      run: (command, args = {}) => {
        // A command says itself what went wrong; a view has nothing to add.
        model.commands.execute(command, args).catch(console.warn);
      }
    }),
    [model]
  );
}
