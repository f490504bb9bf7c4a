/**
 * What stands in a transcript's outputs (docs/transcripts.md), read from JSON that may come from anywhere:
 * a notebook is a file that people edit and send. What makes no sense is left out, never thrown.
 */
import type { StopReason } from '../domain/lifecycle';
import type { Nestable } from '../domain/nesting';
import { nest } from '../domain/nesting';
import type { Option } from '../domain/options';
import { answerWords } from '../domain/options';
import type { ToolBlock } from '../schema/types';

export const TEXT_MIME = 'application/vnd.agor.text+json';
export const ACTIVITY_MIME = 'application/vnd.agor.activity+json';
export const USAGE_MIME = 'application/vnd.agor.usage+json';
export const TURN_MIME = 'application/vnd.agor.turn+json';
export const MIMES = [TEXT_MIME, ACTIVITY_MIME, USAGE_MIME, TURN_MIME] as const;

export interface ShownText {
  readonly type: 'text' | 'thinking';
  readonly id: string;
  readonly text: string;
  readonly parent: string;
}
export interface ShownTool {
  readonly type: 'tool';
  readonly id: string;
  readonly name: string;
  readonly kind: ToolBlock['kind'];
  readonly status: ToolBlock['status'];
  readonly input: string;
  readonly output: string;
  readonly diff: string;
  readonly tookMs: number | null;
  /** The call of a sub-agent that it belongs to, or nothing. */
  readonly parent: string;
}
export interface ShownQuestion {
  readonly words: string;
  /** What can be chosen, each with what it means. */
  readonly offered: readonly (readonly [words: string, meaning: string])[];
  readonly own: boolean;
}
export interface ShownPermission {
  readonly type: 'permission';
  readonly id: string;
  readonly title: string;
  readonly state: string;
  readonly by: string;
  /** The policy decided: nobody was asked. */
  readonly unasked: boolean;
  readonly message: string;
  readonly answers: readonly string[];
  readonly questions: readonly ShownQuestion[];
  /** What may stand behind `%agor answer`. */
  readonly choices: string;
}
export interface ShownNotice {
  readonly type: 'notice';
  readonly id: string;
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
}
/** A person's words in the running turn. */
export interface ShownSteered {
  readonly type: 'steered';
  readonly id: string;
  readonly by: string;
  readonly text: string;
  readonly attached: readonly string[];
}
export type ShownBlock = ShownText | ShownTool | ShownPermission | ShownNotice | ShownSteered;

export interface ShownUsage {
  readonly stop: StopReason;
  readonly tookMs: number | null;
  readonly tokens: readonly [number, number];
  readonly costUsd: number | null;
  readonly changes: { readonly files: number; readonly added: number; readonly removed: number };
  readonly trouble: string;
  readonly plan: readonly { readonly content: string; readonly done: boolean }[];
}
export interface ShownOutput {
  readonly blocks: readonly ShownBlock[];
  readonly usage: ShownUsage | null;
  /** A turn that is not over: `queued`, `running` or `waiting`. */
  readonly state: string;
  /** Steps that were left out before the first block. */
  readonly dropped: number;
}
/** What is drawn as one: a run of tools, or one other block. */
export type Step =
  | { readonly kind: 'tools'; readonly id: string; readonly tools: readonly ShownTool[]; readonly depth: number }
  | { readonly kind: 'block'; readonly id: string; readonly block: Exclude<ShownBlock, ShownTool>; readonly depth: number };

type Json = Readonly<Record<string, unknown>>;

const KINDS: readonly string[] = ['read', 'edit', 'delete', 'move', 'search', 'execute', 'think', 'fetch', 'switch_mode', 'other'];
const STATUSES: readonly string[] = ['pending', 'in_progress', 'completed', 'failed'];
const STOPS: readonly string[] = ['end_turn', 'max_tokens', 'max_turn_requests', 'refusal', 'cancelled', 'failed', 'lost'];
const OPEN: readonly string[] = ['queued', 'running', 'waiting'];
const INDENT = 2;

/** Read one output; null when it is none of ours, or of a newer form than this knows. */
export function toOutput(mime: string, data: unknown): ShownOutput | null {
  if (!isObject(data) || data['v'] !== 1) {
    return null;
  }
  if (mime === USAGE_MIME) {
    return { blocks: [], usage: toUsage(data), state: '', dropped: 0 };
  }
  const blocks = list(data['blocks']).flatMap(toBlock);
  const over = mime === TURN_MIME && isObject(data['usage']) ? toUsage(data['usage']) : null;
  const state = word(data['state']);
  return { blocks, usage: over, state: OPEN.includes(state) ? state : '', dropped: number(data['dropped']) ?? 0 };
}

/**
 * Join runs of tool calls; what a sub-agent said and did stands behind its call. What the policy decided
 * unasked is not shown, as in the session panel.
 */
export function toSteps(blocks: readonly ShownBlock[]): Step[] {
  const steps: Step[] = [];
  const shown = blocks.filter(block => block.type !== 'permission' || !block.unasked);
  for (const { item: block, within } of nest(shown, placeOf)) {
    const last = steps.at(-1);
    const depth = within.length;
    if (block.type !== 'tool') {
      steps.push({ kind: 'block', id: block.id, block, depth });
    } else if (last?.kind === 'tools' && last.depth === depth) {
      steps[steps.length - 1] = { ...last, tools: [...last.tools, block] };
    } else {
      steps.push({ kind: 'tools', id: block.id, tools: [block], depth });
    }
  }
  return steps;
}

function placeOf(block: ShownBlock): Nestable {
  const parent = 'parent' in block ? block.parent : '';
  return { id: block.type === 'tool' ? block.id : '', parent };
}

function toBlock(given: unknown): ShownBlock[] {
  if (!isObject(given)) {
    return [];
  }
  const id = word(given['id']);
  switch (given['type']) {
    case 'text':
    case 'thinking':
      return [{ type: given['type'], id, text: word(given['text']), parent: word(given['parent']) }];
    case 'tool':
      return [toTool(id, given)];
    case 'permission':
      return [toPermission(id, given)];
    case 'notice': {
      const level = given['level'] === 'warning' || given['level'] === 'error' ? given['level'] : 'info';
      return [{ type: 'notice', id, level, text: `${word(given['text'])} ${word(given['hint'])}`.trim() }];
    }
    case 'steered': {
      const attached = list(given['attached']).map(word).filter(name => name !== '');
      return [{ type: 'steered', id, by: word(given['by']), text: word(given['text']), attached }];
    }
    default:
      return [];
  }
}

function toTool(id: string, given: Json): ShownTool {
  const [kind, status] = [word(given['kind']), word(given['status'])];
  return {
    type: 'tool',
    id,
    name: word(given['name']),
    kind: (KINDS.includes(kind) ? kind : 'other') as ToolBlock['kind'],
    status: (STATUSES.includes(status) ? status : 'completed') as ToolBlock['status'],
    input: toInput(given['input']),
    output: word(given['output']),
    diff: word(given['diff']),
    tookMs: number(given['duration_ms']),
    parent: word(given['parent'])
  };
}

/** A command is said as it is typed, anything else as its JSON. */
function toInput(given: unknown): string {
  if (typeof given === 'string') {
    return given;
  }
  if (!isObject(given) || Object.keys(given).length === 0) {
    return '';
  }
  const command = given['command'];
  return typeof command === 'string' ? command : JSON.stringify(given, null, INDENT);
}

function toPermission(id: string, given: Json): ShownPermission {
  const answers = isObject(given['answers']) ? Object.values(given['answers']).map(word) : [];
  const questions = list(given['questions']).map(toQuestion);
  return {
    type: 'permission',
    id,
    title: word(given['title']),
    state: word(given['state']),
    by: word(given['by']),
    unasked: (given['by_id'] ?? given['by']) === 'policy',
    message: word(given['message']),
    answers: answers.filter(each => each !== ''),
    questions: questions.filter(each => each.words !== ''),
    choices: answerWords({ kind: word(given['kind']), options: list(given['options']).filter(isOption) }, questions.length)
  };
}

function toQuestion(given: unknown): ShownQuestion {
  const known = isObject(given) ? given : {};
  const meanings = list(known['descriptions']);
  const offered = list(known['choices']).map((each, place) => [word(each), word(meanings[place])] as const);
  return { words: word(known['question']), offered, own: known['own'] === true && offered.length > 0 };
}

function isOption(value: unknown): value is Option {
  return isObject(value) && typeof value['option_id'] === 'string' && typeof value['kind'] === 'string';
}

function toUsage(given: Json): ShownUsage {
  const stop = word(given['stop']);
  const count = (name: string): number => number(given[name]) ?? 0;
  const plan = list(given['plan']).flatMap(each =>
    isObject(each) ? [{ content: word(each['content']), done: each['status'] === 'completed' }] : []
  );
  return {
    stop: (STOPS.includes(stop) ? stop : 'end_turn') as StopReason,
    tookMs: number(given['duration_ms']),
    tokens: [
      number(given['in']) ?? count('input_tokens') + count('cached_read_tokens') + count('cached_write_tokens'),
      number(given['out']) ?? count('output_tokens')
    ],
    costUsd: number(given['cost_usd']),
    changes: { files: count('files_changed'), added: count('lines_added'), removed: count('lines_removed') },
    trouble: `${word(given['error'])} ${word(given['hint'])}`.trim(),
    plan
  };
}

const isObject = (given: unknown): given is Json => typeof given === 'object' && given !== null && !Array.isArray(given);
const list = (given: unknown): readonly unknown[] => (Array.isArray(given) ? given : []);
const word = (given: unknown): string => (typeof given === 'string' ? given : '');
const number = (given: unknown): number | null =>
  typeof given === 'number' && Number.isFinite(given) ? given : null;
