/**
 * What was said in one task, for those who draw it: mirrors `apply_block` of
 * agor_jupyter/domain/blocks.py, held by the golden files in tests/golden/events.
 * A block that did not change keeps its identity, so that only the one that grows is drawn anew.
 */
import type {
  AgentMessageChunk,
  AgentThoughtChunk,
  NoticeBlock,
  SessionEvent,
  Steered,
  SteeredBlock,
  TaskContent,
  ToolBlock,
  ToolCall,
  ToolCallUpdate
} from '../schema/types';

export type Block = TaskContent['blocks'][number];
type ToolContents = ToolBlock['content'];

export const EMPTY_CONTENT: TaskContent = { blocks: [], plan: [] };

/** Fold one event of a task into what was said. Events of other kinds change nothing. */
export function applyBlock(content: TaskContent, event: SessionEvent): TaskContent {
  const { update, seq } = event;
  switch (update.type) {
    case 'agent_message_chunk':
    case 'agent_thought_chunk':
      return withText(content, update, seq);
    case 'tool_call':
      return appended(content, toolBlock(update, event));
    case 'tool_call_update':
      return replaced(content, update.tool_call_id, block => updated(block, update, event));
    case 'plan':
      return { ...content, plan: update.entries };
    case 'permission_request':
      return appended(content, {
        type: 'permission',
        id: update.request_id,
        request: update,
        resolved: null,
        first_seq: seq,
        last_seq: seq
      });
    case 'permission_resolved':
      return replaced(content, update.request_id, block =>
        block.type === 'permission' ? { ...block, resolved: update, last_seq: seq } : block
      );
    case 'notice':
      return appended(content, notice(seq, update.level, update.text, update.hint));
    case 'steered':
      return appended(content, steered(update, seq));
    case 'compaction':
      return appended(content, notice(seq, 'info', 'The context was compacted.', ''));
    default:
      return content;
  }
}

function notice(seq: number, level: NoticeBlock['level'], text: string, hint: string): NoticeBlock {
  return { type: 'notice', id: `notice-${seq}`, level, text, hint, first_seq: seq, last_seq: seq };
}

function steered(said: Steered, seq: number): SteeredBlock {
  const attached = said.attachments.map(item => item.name);
  const { by, by_name, text } = said;
  return { type: 'steered', id: `steered-${seq}`, by, by_name, text, attached, first_seq: seq, last_seq: seq };
}

function withText(
  content: TaskContent,
  chunk: AgentMessageChunk | AgentThoughtChunk,
  seq: number
): TaskContent {
  const type = chunk.type === 'agent_message_chunk' ? 'text' : 'thought';
  const last = content.blocks.at(-1);
  // Only the last block grows: words after a tool call begin a new block even within one message.
  if (last?.type === type && last.id.split('#')[0] === chunk.message_id) {
    const grown = { ...last, text: last.text + chunk.text, last_seq: seq };
    return { ...content, blocks: [...content.blocks.slice(0, -1), grown] };
  }
  return appended(content, {
    type,
    id: `${chunk.message_id}#${seq}`,
    text: chunk.text,
    parent_tool_call_id: chunk.parent_tool_call_id,
    first_seq: seq,
    last_seq: seq
  });
}

function toolBlock(call: ToolCall, event: SessionEvent): ToolBlock {
  return {
    type: 'tool',
    id: call.tool_call_id,
    title: call.title,
    kind: call.kind,
    status: call.status,
    input: call.input,
    locations: call.locations,
    content: [],
    parent_tool_call_id: call.parent_tool_call_id,
    started_ms: event.at_ms,
    ended_ms: null,
    first_seq: event.seq,
    last_seq: event.seq
  };
}

function updated(block: Block, update: ToolCallUpdate, event: SessionEvent): Block {
  if (block.type !== 'tool') {
    return block;
  }
  const content = update.content ?? block.content;
  const done = update.status === 'completed' || update.status === 'failed';
  return {
    ...block,
    title: update.title ?? block.title,
    status: update.status ?? block.status,
    input: update.input ?? block.input,
    locations: update.locations ?? block.locations,
    content: update.output_delta === null ? content : grown(content, update.output_delta),
    ended_ms: done ? event.at_ms : block.ended_ms,
    last_seq: event.seq
  };
}

function grown(content: ToolContents, delta: string): ToolContents {
  const last = content.at(-1);
  return last?.type === 'terminal'
    ? [...content.slice(0, -1), { ...last, text: last.text + delta }]
    : [...content, { type: 'terminal', text: delta, exit_code: null, truncated: 0 }];
}

function appended(content: TaskContent, block: Block): TaskContent {
  return { ...content, blocks: [...content.blocks, block] };
}

function replaced(content: TaskContent, id: string, change: (block: Block) => Block): TaskContent {
  const index = content.blocks.findLastIndex(block => block.id === id);
  const found = content.blocks[index];
  return found === undefined
    ? content
    : { ...content, blocks: content.blocks.with(index, change(found)) };
}
