/**
 * What is this person's own: which credentials are set, their MCP servers, what they chose last. Loaded
 * when a view needs it, and anew after each change; values of credentials never come here.
 */
import { fetchAgents } from '../api/agents';
import type { Http } from '../api/http';
import type { CredentialInfo, OwnServer, Settings } from '../api/own';
import { changeSettings, fetchCredentials, fetchServers, fetchSettings } from '../api/own';
import type { LastChoice } from '../domain/choices';
import { choiceFrom, choiceKeys } from '../domain/choices';
import { Store } from './store';
import type { LoadState, Workspace } from './workspace';

const variablesKey = (kind: string): string => `environment.${kind}`;

export class OwnThings {
  readonly credentials = new Store<readonly CredentialInfo[]>([]);
  readonly servers = new Store<readonly OwnServer[]>([]);
  readonly settings = new Store<Settings>({});
  readonly state = new Store<LoadState>('loading');
  readonly error = new Store<unknown>(null);
  private loading: Promise<void> | null = null;

  constructor(
    private readonly http: Http,
    private readonly workspace: Workspace
  ) {}

  /** Read everything anew, the agents' state too: it follows from the credentials. Two calls at one time are one. */
  load(): Promise<void> {
    this.loading ??= this.read().finally(() => {
      this.loading = null;
    });
    return this.loading;
  }

  /** Give what this person chose last for a repository, else anywhere. */
  lastChoice(repoId: string | null): LastChoice {
    const [own, any] = choiceKeys(repoId);
    return choiceFrom(this.settings.get()[own] ?? this.settings.get()[any]);
  }

  /** Remember a choice on the server. That it cannot be kept is nobody's trouble. */
  async remember(repoId: string | null, choice: LastChoice): Promise<void> {
    const text = JSON.stringify(choice);
    const changes = Object.fromEntries(choiceKeys(repoId).map(key => [key, text]));
    this.settings.update(before => ({ ...before, ...changes }));
    try {
      this.settings.set(await changeSettings(this.http, changes));
    } catch (error) {
      console.warn('Agor: the choice is not remembered', error);
    }
  }

  /** Give the lines of one's extra variables for a kind of agent. */
  variablesOf(kind: string): string {
    return this.settings.get()[variablesKey(kind)] ?? '';
  }

  /** Keep them; what the server refuses is thrown. */
  async keepVariables(kind: string, lines: string): Promise<void> {
    this.settings.set(await changeSettings(this.http, { [variablesKey(kind)]: lines }));
  }

  private async read(): Promise<void> {
    try {
      const [agents, credentials, servers, settings] = await Promise.all([
        fetchAgents(this.http),
        fetchCredentials(this.http),
        fetchServers(this.http),
        fetchSettings(this.http)
      ]);
      this.workspace.agents.set(agents);
      this.credentials.set(credentials);
      this.servers.set(servers);
      this.settings.set(settings);
      this.error.set(null);
      this.state.set('ready');
    } catch (error) {
      this.error.set(error);
      this.state.set(this.state.get() === 'ready' ? 'ready' : 'failed');
    }
  }
}
