/** The rows of a conversation: what folds, what is hidden, what keeps its identity. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Block } from '../../domain/applyBlock';
import { applyBlock, EMPTY_CONTENT } from '../../domain/applyBlock';
import { applyTask } from '../../domain/applyTask';
import type { TaskView } from '../../model/sessionStore';
import type { PermissionBlock, SessionEvent, TextBlock, ToolBlock } from '../../schema/types';
import { depthOf, MOST_TOOLS, sameRow, toRows, unfolded } from '../toRows';

function view(story: string): TaskView {
  const text = readFileSync(`../tests/golden/events/${story}.json`, 'utf-8');
  const { events } = JSON.parse(text) as { events: SessionEvent[] };
  const mine = events.filter(event => event.task_id === 'task_0000000000000001');
  const task = mine.reduce<TaskView['task'] | undefined>(applyTask, undefined);
  return { task: task!, content: mine.reduce(applyBlock, EMPTY_CONTENT), seq: mine.at(-1)!.seq };
}

const kinds = (views: TaskView[]): string[] => toRows(views).map(row => row.kind);

const tool = (id: string): ToolBlock => ({
  type: 'tool',
  id,
  title: id,
  kind: 'read',
  status: 'completed',
  input: {},
  locations: [],
  content: [],
  parent_tool_call_id: null,
  started_ms: 0,
  ended_ms: 1,
  first_seq: 1,
  last_seq: 1
});

describe('toRows', () => {
  it('tells a whole task in order', () => {
    expect(kinds([view('working')])).toEqual([
      'prompt', 'thought', 'text', 'tools', 'permission', 'text', 'end'
    ]);
  });

  it('keeps what still waits out of the list', () => {
    expect(kinds([view('asking')])).not.toContain('permission');
  });

  it.each([
    ['in_progress', null, 'pending'],
    ['in_progress', 'allow', 'in_progress'],
    ['completed', null, 'completed']
  ] as const)('says of a call that is %s and was asked about (answer: %s): %s', (status, answer, shown) => {
    const { task, seq } = view('asking');
    const { content } = view('working');
    const asked = content!.blocks.find((block): block is PermissionBlock => block.type === 'permission')!;
    const resolved = answer === null ? null : asked.resolved;
    const about = { ...asked, resolved, request: { ...asked.request, tool_call_id: 'b' } };
    const others: Block[] = [{ ...tool('a'), status: 'in_progress' }, { ...tool('b'), status }, about];
    const statuses = (blocks: Block[]): (readonly string[])[] =>
      toRows([{ task, content: { blocks, plan: [] }, seq }]).flatMap(row =>
        row.kind === 'tools' ? row.blocks.map(block => [block.id, block.status] as const) : []
      );
    expect(statuses(others)).toEqual([['a', 'in_progress'], ['b', shown]]);
    // Words that come meanwhile draw the call not anew.
    const row = (blocks: Block[]): ReturnType<typeof toRows>[number] => toRows([{ task, content: { blocks, plan: [] }, seq }])[1]!;
    expect(sameRow(row(others), row([...others]))).toBe(true);
  });

  it('hides what the policy decided by itself', () => {
    const { task, content, seq } = view('working');
    const blocks = content!.blocks.map(block =>
      block.type === 'permission' ? { ...block, resolved: { ...block.resolved!, by: 'policy' } } : block
    );
    expect(kinds([{ task, content: { ...content!, blocks }, seq }])).not.toContain('permission');
  });

  it('puts what sub-agents said and did behind their calls, closed until somebody opens them', () => {
    const { task, seq } = view('working');
    const words = (id: string, parent: string | null): TextBlock => ({
      type: 'text', id, text: `${id} says`, parent_tool_call_id: parent, first_seq: 1, last_seq: 1
    });
    const within = (id: string, parent: string): ToolBlock => ({ ...tool(id), parent_tool_call_id: parent });
    const blocks = [
      tool('one'), tool('two'), words('a', 'one'), words('b', 'two'), within('deep', 'one'), within('read', 'deep'),
      words('c', 'two'), words('d', null)
    ];
    const rows = toRows([{ task, content: { blocks, plan: [] }, seq }]);
    expect(rows.slice(1, -1).map(row => `${depthOf(row)} ${row.key.split('-').at(-1)}`)).toEqual([
      '0 one', '1 a', '1 deep', '2 read', '0 two', '1 b', '1 c', '0 d'
    ]);
    const agents = rows.filter(row => row.kind === 'agent');
    expect(agents.map(row => [row.block.id, row.steps, row.last])).toEqual([['one', 3, 'read'], ['deep', 1, 'read'], ['two', 2, 'c says']]);
    const shown = (...open: string[]): string[] =>
      unfolded(rows, new Set(open)).map(row => row.key.split('-').at(-1) ?? '').slice(1, -1);
    expect(shown()).toEqual(['one', 'two', 'd']);
    expect(shown('one')).toEqual(['one', 'a', 'deep', 'two', 'd']);
    expect(shown('deep')).toEqual(['one', 'two', 'd']);
  });

  it('keeps calls of different sub-agents apart, and an answer with the call that it was about', () => {
    const { task, content, seq } = view('working');
    const within = (id: string, parent: string): ToolBlock => ({ ...tool(id), parent_tool_call_id: parent });
    const answer = content?.blocks.find((block): block is PermissionBlock => block.type === 'permission');
    if (answer === undefined) {
      throw new Error('the story has no answer');
    }
    const about = { ...answer, request: { ...answer.request, tool_call_id: 'a' } };
    const rowsOf = (...blocks: Block[]): string[] =>
      toRows([{ task, content: { blocks, plan: [] }, seq }]).slice(1, -1).map(row => `${depthOf(row)} ${row.kind}`);
    expect(rowsOf(tool('one'), within('a', 'one'), tool('b'))).toEqual(['0 agent', '1 tools', '0 tools']);
    expect(rowsOf(tool('one'), within('a', 'one'), tool('b'), about)).toEqual(['0 agent', '1 tools', '1 permission', '0 tools']);
  });

  it('draws a row anew that moved within a call, and a call that has done more', () => {
    const { task, seq } = view('working');
    const rowsOf = (...blocks: ToolBlock[]): ReturnType<typeof toRows> => toRows([{ task, content: { blocks, plan: [] }, seq }]);
    const [one, a, b] = [tool('one'), tool('a'), tool('b')].map((each, at) => ({ ...each, parent_tool_call_id: at === 0 ? null : 'one' }));
    const rowAt = (rows: ReturnType<typeof toRows>, at: number): (typeof rows)[number] => rows[at]!;
    const [less, more, again] = [rowsOf(one!, a!), rowsOf(one!, a!, b!), rowsOf(one!, a!)];
    expect(sameRow(rowAt(less, 1), rowAt(more, 1))).toBe(false);
    expect(sameRow(rowAt(less, 1), rowAt(again, 1))).toBe(true);
    const row = rowAt(less, 2);
    expect(sameRow(row, { ...row, within: [] } as typeof row)).toBe(false);
    expect(sameRow(row, { ...row })).toBe(true);
  });

  it('makes one row of neighbouring tool calls', () => {
    const { task, seq } = view('working');
    const blocks = Array.from({ length: MOST_TOOLS + 2 }, (_, index) => tool(`t${index}`));
    const [, row] = toRows([{ task, content: { blocks, plan: [] }, seq }]);
    expect(row?.kind === 'tools' && row.blocks.length).toBe(MOST_TOOLS + 2);
  });

  it('shows a task that is not loaded as a place to load it', () => {
    const { task, seq } = view('working');
    expect(kinds([{ task, content: null, seq }])).toEqual(['prompt', 'unloaded', 'end']);
  });

  it('leaves out what is queued or withdrawn', () => {
    const { task, seq } = view('working');
    expect(kinds([{ task: { ...task, status: 'queued' }, content: EMPTY_CONTENT, seq }])).toEqual([]);
  });

  it('draws anew only the row that changed', () => {
    const before = view('terminal');
    const more: SessionEvent = {
      seq: 99,
      session_id: 'ses_0000000000000001',
      task_id: 'task_0000000000000001',
      at_ms: 1,
      update: { type: 'agent_message_chunk', message_id: 'm9', text: 'more', parent_tool_call_id: null }
    };
    const after: TaskView = { ...before, content: applyBlock(before.content!, more), seq: 99 };
    const [a, b] = [toRows([before]), toRows([after])];
    const changed = b.filter((row, index) => a[index] === undefined || !sameRow(a[index], row));
    // The tools row was live until the words came.
    expect(changed.map(row => row.kind)).toEqual(['text']);
  });
});
