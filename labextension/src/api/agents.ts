/** Who I am, and which agents are here. */
import type { AgentInfo, Me } from '../schema/types';
import type { Http } from './http';

export type { Mode } from '../domain/modes';
export type { AgentInfo, Me } from '../schema/types';

export const fetchAgents = (http: Http): Promise<AgentInfo[]> => http.list('agents');
export const fetchMe = (http: Http): Promise<Me> => http.get('me');
export const renameMe = (http: Http, displayName: string): Promise<Me> =>
  http.patch('me', { display_name: displayName });
