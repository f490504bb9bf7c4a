/** What an agent can do, in words (English; the caller translates), and the state that it is in. */
import type { AgentInfo, Session } from '../schema/types';

export interface Ability {
  readonly field: string;
  readonly words: string;
  readonly able: boolean;
  /** Why not, or what it means here. */
  readonly note: string;
}

const WORDS: Readonly<Record<string, string>> = {
  streaming: 'Shows its answer as it writes',
  thinking: 'Shows its thinking',
  permissions: 'Asks before it acts',
  allow_always: 'Remembers what is always allowed',
  questions: 'Asks questions',
  plan: 'Shows its plan',
  interrupt: 'Can be stopped',
  steer: 'Takes words while it works',
  resume: 'Goes on after a restart',
  fork: 'Forks a conversation',
  fork_at_message: 'Forks at a message',
  set_model: 'Another model in mid-session',
  any_model: 'Any model by its name',
  set_effort: 'Another effort in mid-session',
  images: 'Takes pictures',
  files: 'Takes files',
  commands: 'Slash commands',
  context_usage: 'Tells how full its context is',
  compaction: 'Compacts its context',
  cost: 'Tells the cost',
  mcp: 'Your MCP servers',
  elicitation: 'Your MCP servers may ask you',
  house_tools: 'Agor’s own tools',
  instructions: 'Reads the project’s instructions',
  subagents: 'Shows its sub-agents'
};

/** List what an agent can do and what not, each with its note. */
export function abilitiesOf(agent: AgentInfo): readonly Ability[] {
  const { notes, ...able } = agent.capabilities;
  return Object.entries(WORDS).map(([field, words]) => ({
    field,
    words,
    able: (able as Readonly<Record<string, unknown>>)[field] === true,
    note: notes[field] ?? ''
  }));
}

/** Give an agent as it is in one session: without what it said there that it lacks (`Session.unable`). */
export function atHand(agent: AgentInfo, lacks: readonly string[]): AgentInfo {
  if (lacks.length === 0) {
    return agent;
  }
  const notes = Object.entries(agent.capabilities.notes).filter(([field]) => !lacks.includes(field));
  const unable = Object.fromEntries(lacks.map(field => [field, false]));
  return { ...agent, capabilities: { ...agent.capabilities, ...unable, notes: Object.fromEntries(notes) } };
}

/** Give the agent of a session as it is there, where its kind is known. */
export function agentOf(
  agents: readonly AgentInfo[],
  session: Pick<Session, 'agent' | 'unable'> | null | undefined
): AgentInfo | undefined {
  const kind = agents.find(each => each.kind === session?.agent);
  return kind === undefined || session === null || session === undefined ? undefined : atHand(kind, session.unable);
}

export type AgentState = 'ready' | 'unknown' | 'logged-out' | 'absent';

export function stateOf(agent: AgentInfo): AgentState {
  if (!agent.installed) {
    return 'absent';
  }
  return agent.authenticated === null ? 'unknown' : agent.authenticated ? 'ready' : 'logged-out';
}

/** Say whether a session with this agent can begin and work now, as far as it is known. */
export function isReady(agent: Pick<AgentInfo, 'installed' | 'authenticated'>): boolean {
  return agent.installed && agent.authenticated !== false;
}
