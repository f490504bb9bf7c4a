/** What is one's own: credentials (never their values), MCP servers, tokens and settings, by REST. */
import type {
  ChangeMcpServer,
  CreateMcpServer,
  CredentialInfo,
  Minted,
  OwnServer,
  SessionServers
} from '../schema/types';
import type { Http } from './http';

export type { CredentialInfo, OwnServer, SessionServer, SessionServers } from '../schema/types';
export type NewServer = Pick<CreateMcpServer, 'name'> & Partial<CreateMcpServer>;
export type ServerChanges = Partial<ChangeMcpServer>;
export type Settings = Readonly<Record<string, string>>;

export const fetchCredentials = (http: Http): Promise<CredentialInfo[]> => http.list('me/credentials');
export const setCredential = (http: Http, name: string, value: string): Promise<unknown> =>
  http.put('me/credentials', { name, value });
export const removeCredential = (http: Http, name: string): Promise<unknown> =>
  http.delete('me/credentials', { name });

export const fetchServers = (http: Http): Promise<OwnServer[]> => http.list('mcp-servers');
export const createServer = (http: Http, server: NewServer, key: string): Promise<OwnServer> =>
  http.post('mcp-servers', server, key);
export const changeServer = (http: Http, id: string, changes: ServerChanges): Promise<OwnServer> =>
  http.patch(`mcp-servers/${id}`, changes);
export const removeServer = (http: Http, id: string): Promise<unknown> => http.delete(`mcp-servers/${id}`);

/** The servers of a session's owner as it finds them; to others, names alone. */
export const fetchSessionServers = (http: Http, id: string): Promise<SessionServers> =>
  http.get(`sessions/${id}/mcp-servers`);
export const switchSessionServer = (http: Http, id: string, name: string, enabled: boolean): Promise<SessionServers> =>
  http.patch(`sessions/${id}/mcp-servers`, { name, enabled });

export const makeToken = (http: Http): Promise<Minted> => http.post('me/tokens');
export const endTokens = (http: Http): Promise<unknown> => http.delete('me/tokens');

export const fetchSettings = (http: Http): Promise<Settings> => http.get('me/settings');
export const changeSettings = (http: Http, changes: Settings): Promise<Settings> =>
  http.patch('me/settings', changes);
