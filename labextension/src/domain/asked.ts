/** What a request shows of itself, and how much of that a notification's few plain words can hold. Pure. */
import type { DiffContent, PermissionRequest } from '../schema/types';
import { countChanges, lineDiff } from './lineDiff';
import { ofKind, ownNames } from './options';

/**
 * Show the command itself where the agent gave only a title: nobody answers for what only a title
 * describes. The card does the same (`_command` in agor_jupyter/board/rows.py).
 */
export function withCommand(request: PermissionRequest): PermissionRequest {
  const command = request.input['command'];
  if (request.content.length > 0 || request.kind !== 'execute' || typeof command !== 'string') {
    return request;
  }
  return { ...request, content: [{ type: 'text', text: command, truncated: 0 }] };
}

/** JupyterLab shows no more characters of a notification. */
const TEXT_LIMIT = 140;
const WHERE_LIMIT = 36;
const TITLE_LIMIT = 64;
/** What a reader does not see, or sees in another place than it stands. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

export interface AskedInShort {
  /** The session, what it asks, and the first line of that: plain text. */
  readonly text: string;
  /** The option that allows once, where all that is asked stands in `text`: else it is answered where it is shown. */
  readonly allow: string | null;
  /** The option that rejects, where one word says what that means. */
  readonly reject: string | null;
}

/** Say a request in a notification's few words. */
export function inShort(asked: PermissionRequest, where: string): AskedInShort {
  const request = withCommand(asked);
  const lines = linesOf(request);
  const first = shown(lines[0] ?? request.description.split('\n')[0] ?? '');
  // Some agents call a command by itself: nobody needs to read it twice.
  const called = shown(request.title);
  const title = first !== '' && first.startsWith(called.replace(/…$/, '')) ? '' : called;
  const head = `${clipped(shown(where), WHERE_LIMIT)}: ${clipped(title, TITLE_LIMIT)}`.trim();
  const line = clipped(first, TEXT_LIMIT - head.length - 1);
  const usual = request.questions.length === 0 && !ownNames(request);
  const whole =
    [title === '' ? '' : request.title, ...lines].every(each => shown(each) === each.trim()) &&
    title.length <= TITLE_LIMIT &&
    !title.endsWith('…') &&
    lines.length <= 1 &&
    (lines.length === 0 || line === first) &&
    request.content.every(each => each.type === 'text' && each.truncated === 0) &&
    isSaid(request, [request.title, ...lines].join('\n'));
  return {
    text: line === '' ? head : `${head}\n${line}`,
    allow: (usual && whole ? ofKind(request.options, 'allow_once')?.option_id : null) ?? null,
    reject: (usual ? ofKind(request.options, 'reject_once')?.option_id : null) ?? null
  };
}

/** What an agent says of a command, beside the command itself. */
const WORDS_OF_A_COMMAND: ReadonlySet<string> = new Set(['description', 'timeout']);

/** Say whether every value that a tool would be given stands in `words`: nobody allows what was not shown. */
function isSaid({ kind, input, description, content }: PermissionRequest, words: string): boolean {
  const left = Object.entries(input).filter(([name]) => kind !== 'execute' || !WORDS_OF_A_COMMAND.has(name));
  const also = content.length > 0 ? description.trim() : '';
  return words.includes(also) && left.flatMap(([, value]) => leavesOf(value)).every(value => words.includes(value));
}

function leavesOf(value: unknown): string[] {
  if (value === null || value === undefined || value === '') {
    return [];
  }
  return typeof value === 'object' ? Object.values(value).flatMap(leavesOf) : [typeof value === 'string' ? value : JSON.stringify(value)];
}

/** The lines of what is asked; a question is what it asks, a diff what it changes, in numbers. */
function linesOf({ title, questions, content }: PermissionRequest): string[] {
  return [
    ...questions.map(each => each.question),
    ...content.map(each => (each.type === 'diff' ? changesOf(each, title) : each.text))
  ].flatMap(text => text.split('\n').filter(line => line.trim() !== ''));
}

function changesOf({ path, old_text, new_text }: DiffContent, title: string): string {
  const { added, removed } = countChanges(lineDiff(old_text, new_text, 0));
  return `${title.includes(path) ? '' : `${path} `}+${added} −${removed}`;
}

/** One line, without what cannot be seen. */
function shown(text: string): string {
  return text.replace(UNSEEN, ' ').replace(/\s+/g, ' ').trim();
}

function clipped(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}
