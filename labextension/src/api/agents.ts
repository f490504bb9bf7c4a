/** Who I am, and which agents are here. */
import type { AddNamedAgent, AgentInfo, AgentPreset, ChangeNamedAgent, Me, NamedAgent } from '../schema/types';
import type { Http } from './http';

export type { Mode } from '../domain/modes';
export type { AgentInfo, AgentPreset, Me, NamedAgent } from '../schema/types';

export const fetchAgents = (http: Http): Promise<AgentInfo[]> => http.list('agents');
export const fetchMe = (http: Http): Promise<Me> => http.get('me');
export const renameMe = (http: Http, displayName: string): Promise<Me> =>
  http.patch('me', { display_name: displayName });

export type NewAgent = Pick<AddNamedAgent, 'name' | 'label' | 'command'> & Partial<AddNamedAgent>;

/** Agents by command line: an admin's alone to read and to change. */
export const fetchNamedAgents = (http: Http): Promise<NamedAgent[]> => http.list('named-agents');
export const fetchAgentPresets = (http: Http): Promise<AgentPreset[]> => http.list('named-agents/presets');
export const addNamedAgent = (http: Http, agent: NewAgent, key: string): Promise<NamedAgent> =>
  http.post('named-agents', agent, key);
export const changeNamedAgent = (http: Http, name: string, changes: Partial<ChangeNamedAgent>): Promise<NamedAgent> =>
  http.patch(`named-agents/${name}`, changes);
export const removeNamedAgent = (http: Http, name: string): Promise<unknown> => http.delete(`named-agents/${name}`);
