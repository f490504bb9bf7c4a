/** What a new session is asked for with, and what of it is offered. Pure. */
import type { AgentInfo, Mode } from '../../api/agents';
import type { OwnServer } from '../../api/own';
import type { NewSession } from '../../api/sessions';
import { stateOf } from '../../domain/abilities';
import type { LastChoice } from '../../domain/choices';

export interface SessionForm {
  readonly agent: string;
  readonly mode: Mode;
  readonly model: string;
  readonly effort: string;
  /** MCP servers that are switched off for it, by name. */
  readonly without: readonly string[];
  readonly prompt: string;
}

/** Name a session by the first line of its first prompt. */
export function titleOf(prompt: string): string {
  const line = prompt.trim().split('\n', 1)[0] ?? '';
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}

/** Begin with what was chosen last, as far as it is still there, else with the first agent that can be used. */
export function firstForm(agents: readonly AgentInfo[], servers: readonly OwnServer[], last: LastChoice): SessionForm {
  const usable = agents.find(each => each.installed && each.authenticated !== false);
  const kept = agents.find(each => each.kind === last.agent && each.installed);
  const agent = kept ?? usable ?? agents[0];
  const same = agent !== undefined && agent.kind === last.agent;
  const mode = last.mode !== undefined && agent?.modes.includes(last.mode) === true ? last.mode : undefined;
  const off = servers.filter(each => !each.enabled).map(each => each.name);
  return {
    agent: agent?.kind ?? '',
    mode: mode ?? agent?.modes[0] ?? 'ask',
    model: same && typeof last.model === 'string' ? last.model : '',
    effort: same && typeof last.effort === 'string' ? last.effort : '',
    without: [...new Set([...off, ...(last.without ?? [])])],
    prompt: ''
  };
}

/** Change the agent: what only the one before knew is forgotten. */
export function withAgent(form: SessionForm, agent: AgentInfo | undefined): Partial<SessionForm> {
  const mode = agent?.modes.includes(form.mode) === true ? form.mode : (agent?.modes[0] ?? 'ask');
  return { agent: agent?.kind ?? '', mode, model: '', effort: '' };
}

/** List the servers that a session in a repository would get: of equal names the repository's. */
export function serversIn(servers: readonly OwnServer[], repoId: string | null): OwnServer[] {
  const near = new Map<string, OwnServer>();
  for (const scope of ['user', 'repo'] as const) {
    for (const each of servers) {
      if (each.scope === scope && (scope === 'user' || each.repo_id === repoId)) {
        near.set(each.name, each);
      }
    }
  }
  return [...near.values()];
}

/** Say in a word why an agent cannot be used, or nothing. */
export function hindrance(agent: AgentInfo): 'absent' | 'logged-out' | null {
  const state = stateOf(agent);
  return state === 'absent' || state === 'logged-out' ? state : null;
}

/** Make the request. What is left to the agent is not sent, nor what it cannot take. */
export function wishOf(
  form: SessionForm,
  worktreeId: string,
  agent: AgentInfo | undefined,
  servers: readonly OwnServer[]
): NewSession {
  const words = form.prompt.trim();
  const takesServers = agent?.capabilities.mcp === true && servers.length > 0;
  const names = servers.map(each => each.name).filter(name => !form.without.includes(name));
  return {
    worktree_id: worktreeId,
    agent: form.agent,
    mode: form.mode,
    ...(form.model.trim() === '' ? {} : { model: form.model.trim() }),
    ...(form.effort === '' || agent?.capabilities.set_effort !== true ? {} : { effort: form.effort }),
    ...(takesServers ? { mcp_servers: names } : {}),
    ...(words === '' ? {} : { prompt: words, title: titleOf(words) })
  };
}
