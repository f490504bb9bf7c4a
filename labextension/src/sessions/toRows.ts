/** What a session's list shows, as plain rows. Pure; a task that did not change keeps its rows. */
import type { Block } from '../domain/applyBlock';
import type { Nestable } from '../domain/nesting';
import { nest } from '../domain/nesting';
import { withWaiting } from '../domain/waiting';
import type { TaskView } from '../model/sessionStore';
import type { NoticeBlock, PermissionBlock, SteeredBlock, Task, TextBlock, ToolBlock } from '../schema/types';

/** A row that may stand within a sub-agent's call: `within` names the calls around it, the outermost first. */
interface Within {
  readonly within: readonly string[];
}

export type Row =
  | { readonly kind: 'prompt'; readonly key: string; readonly task: Task }
  | { readonly kind: 'unloaded'; readonly key: string; readonly task: Task }
  | ({ readonly kind: 'text' | 'thought'; readonly key: string; readonly block: TextBlock; readonly live: boolean } & Within)
  | ({ readonly kind: 'tools'; readonly key: string; readonly blocks: readonly ToolBlock[]; readonly live: boolean; readonly over: boolean } & Within)
  | ({ readonly kind: 'agent'; readonly key: string; readonly block: ToolBlock; readonly steps: number; readonly last: string; readonly over: boolean } & Within)
  | ({ readonly kind: 'permission'; readonly key: string; readonly block: PermissionBlock } & Within)
  | { readonly kind: 'notice'; readonly key: string; readonly block: NoticeBlock }
  | { readonly kind: 'steered'; readonly key: string; readonly block: SteeredBlock }
  | { readonly kind: 'end'; readonly key: string; readonly task: Task };

/** More tool calls in a run than this fold into one row. */
export const MOST_TOOLS = 3;

const known = new WeakMap<TaskView, readonly Row[]>();

/** List the rows of all tasks that have begun, in order. */
export function toRows(tasks: readonly TaskView[]): Row[] {
  return tasks.flatMap(view => {
    let rows = known.get(view);
    if (rows === undefined) {
      rows = taskRows(view);
      known.set(view, rows);
    }
    return rows;
  });
}

function taskRows({ task, content }: TaskView): Row[] {
  if (task.status === 'queued' || task.status === 'removed') {
    return [];
  }
  const rows: Row[] = [{ kind: 'prompt', key: `prompt-${task.id}`, task }];
  if (content === null) {
    rows.push({ kind: 'unloaded', key: `unloaded-${task.id}`, task });
  } else {
    rows.push(...blockRows(task, withWaiting(content.blocks)));
  }
  if (task.status === 'ended') {
    rows.push({ kind: 'end', key: `end-${task.id}`, task });
  }
  return rows;
}

function blockRows(task: Task, blocks: readonly Block[]): Row[] {
  const rows: Row[] = [];
  const working = task.status === 'running';
  const over = task.status === 'ended';
  const newest = blocks.at(-1);
  const calls = new Map(blocks.flatMap(block => (block.type === 'tool' ? [[block.id, block] as const] : [])));
  let tools: ToolBlock[] = [];
  let around: readonly string[] = [];
  const flush = (): void => {
    const [first, last] = [tools[0], tools.at(-1)];
    if (first !== undefined && last !== undefined) {
      rows.push({ kind: 'tools', key: `tools-${task.id}-${first.id}`, blocks: tools, live: working && last === newest, over, within: around });
      tools = [];
    }
  };
  const shown = nest(blocks.filter(isShown), block => placeOf(block, calls));
  shown.forEach(({ item: block, within, inner }, at) => {
    if (block.type === 'tool' && inner === 0) {
      if (!sameWords(around, within)) {
        flush();
      }
      around = within;
      tools.push(block);
      return;
    }
    flush();
    if (block.type === 'tool') {
      const last = shown[at + inner]?.item;
      const key = `agent-${task.id}-${block.id}`;
      rows.push({ kind: 'agent', key, block, steps: inner, last: last === undefined ? '' : lastWords(last), over, within });
    } else {
      rows.push(rowOf(task, block, working && block === newest, within));
    }
  });
  flush();
  return rows;
}

/** An answer stands with the call that it was about. */
function placeOf(block: Block, calls: ReadonlyMap<string, ToolBlock>): Nestable {
  switch (block.type) {
    case 'tool':
      return { id: block.id, parent: block.parent_tool_call_id ?? '' };
    case 'text':
    case 'thought':
      return { id: '', parent: block.parent_tool_call_id ?? '' };
    case 'permission':
      return { id: '', parent: calls.get(block.request.tool_call_id ?? '')?.parent_tool_call_id ?? '' };
    default:
      return { id: '', parent: '' };
  }
}

/** One line of what a sub-agent did last. */
function lastWords(block: Block): string {
  switch (block.type) {
    case 'tool':
      return block.title;
    case 'text':
    case 'thought':
      return block.text.trim().split('\n').at(-1) ?? '';
    case 'permission':
      return block.request.title;
    default:
      return '';
  }
}

/** Leave out what stands within a call that is closed. */
export function unfolded(rows: readonly Row[], open: ReadonlySet<string>): readonly Row[] {
  return rows.some(row => row.kind === 'agent')
    ? rows.filter(row => !('within' in row) || row.within.every(id => open.has(id)))
    : rows;
}

/** Give how many calls stand around a row. */
export const depthOf = (row: Row): number => ('within' in row ? row.within.length : 0);

/** What the policy decided unasked, and what still waits (it stands at the foot), is no row. */
function isShown(block: Block): boolean {
  return block.type !== 'permission' || (block.resolved !== null && block.resolved.by !== 'policy');
}

function rowOf(task: Task, block: Exclude<Block, ToolBlock>, live: boolean, within: readonly string[]): Row {
  const key = `${block.type}-${task.id}-${block.id}`;
  switch (block.type) {
    case 'text':
    case 'thought':
      return { kind: block.type, key, block, live, within };
    case 'permission':
      return { kind: 'permission', key, block, within };
    case 'notice':
      return { kind: 'notice', key, block };
    case 'steered':
      return { kind: 'steered', key, block };
  }
}

/** Say whether two rows look the same, so that only what changed is drawn again. */
export function sameRow(a: Row, b: Row): boolean {
  if (a.kind !== b.kind || a.key !== b.key || depthOf(a) !== depthOf(b)) {
    return false;
  }
  switch (a.kind) {
    case 'text':
    case 'thought':
      return 'block' in b && a.block === b.block && 'live' in b && a.live === b.live;
    case 'tools':
      return b.kind === 'tools' && a.live === b.live && a.over === b.over && sameList(a.blocks, b.blocks);
    case 'agent':
      return b.kind === 'agent' && a.block === b.block && a.over === b.over && a.steps === b.steps && a.last === b.last;
    case 'permission':
    case 'notice':
    case 'steered':
      return 'block' in b && a.block === b.block;
    default:
      return 'task' in b && a.task === b.task;
  }
}

const sameWords = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((word, index) => word === b[index]);

const sameList = (a: readonly ToolBlock[], b: readonly ToolBlock[]): boolean =>
  a.length === b.length && a.every((block, index) => block === b[index]);
