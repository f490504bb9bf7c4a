/** What a session's list shows, as plain rows. Pure; a task that did not change keeps its rows. */
import type { Block } from '../domain/applyBlock';
import type { TaskView } from '../model/sessionStore';
import type { NoticeBlock, PermissionBlock, SteeredBlock, Task, TextBlock, ToolBlock } from '../schema/types';

export type Row =
  | { readonly kind: 'prompt'; readonly key: string; readonly task: Task }
  | { readonly kind: 'unloaded'; readonly key: string; readonly task: Task }
  | { readonly kind: 'text'; readonly key: string; readonly block: TextBlock; readonly live: boolean }
  | { readonly kind: 'thought'; readonly key: string; readonly block: TextBlock; readonly live: boolean }
  | { readonly kind: 'tools'; readonly key: string; readonly blocks: readonly ToolBlock[]; readonly live: boolean; readonly over: boolean }
  | { readonly kind: 'permission'; readonly key: string; readonly block: PermissionBlock }
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
    rows.push(...blockRows(task, content.blocks));
  }
  if (task.status === 'ended') {
    rows.push({ kind: 'end', key: `end-${task.id}`, task });
  }
  return rows;
}

function blockRows(task: Task, blocks: readonly Block[]): Row[] {
  const rows: Row[] = [];
  const working = task.status === 'running';
  let tools: ToolBlock[] = [];
  const flush = (live: boolean): void => {
    if (tools.length > 0) {
      rows.push({ kind: 'tools', key: `tools-${task.id}-${tools[0]?.id ?? ''}`, blocks: tools, live, over: task.status === 'ended' });
      tools = [];
    }
  };
  blocks.forEach((block, index) => {
    if (block.type === 'tool') {
      tools.push(block);
    } else if (isShown(block)) {
      flush(false);
      rows.push(rowOf(task, block, working && index === blocks.length - 1));
    }
  });
  flush(working);
  return rows;
}

/** What the policy decided unasked, and what still waits (it stands at the foot), is no row. */
function isShown(block: Block): boolean {
  return block.type !== 'permission' || (block.resolved !== null && block.resolved.by !== 'policy');
}

function rowOf(task: Task, block: Exclude<Block, ToolBlock>, live: boolean): Row {
  const key = `${block.type}-${task.id}-${block.id}`;
  switch (block.type) {
    case 'text':
    case 'thought':
      return { kind: block.type, key, block, live };
    case 'permission':
      return { kind: 'permission', key, block };
    case 'notice':
      return { kind: 'notice', key, block };
    case 'steered':
      return { kind: 'steered', key, block };
  }
}

/** Say whether two rows look the same, so that only what changed is drawn again. */
export function sameRow(a: Row, b: Row): boolean {
  if (a.kind !== b.kind || a.key !== b.key) {
    return false;
  }
  switch (a.kind) {
    case 'text':
    case 'thought':
      return 'block' in b && a.block === b.block && 'live' in b && a.live === b.live;
    case 'tools':
      return b.kind === 'tools' && a.live === b.live && a.over === b.over && sameList(a.blocks, b.blocks);
    case 'permission':
    case 'notice':
    case 'steered':
      return 'block' in b && a.block === b.block;
    default:
      return 'task' in b && a.task === b.task;
  }
}

const sameList = (a: readonly ToolBlock[], b: readonly ToolBlock[]): boolean =>
  a.length === b.length && a.every((block, index) => block === b[index]);
