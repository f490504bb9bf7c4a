/**
 * Which tool calls wait for an answer. Agents differ in what they say of a call that they ask about: some
 * that it is pending, some that it is under way. The log knows better: it waits as long as a request about
 * it is open.
 */
import type { ToolBlock } from '../schema/types';
import type { Block } from './applyBlock';

/** A call that did not change keeps its identity here too, so that it is not drawn anew. */
const known = new WeakMap<ToolBlock, ToolBlock>();

/** Give `blocks` with each call pending that waits for an answer. Nothing waits: the same list. */
export function withWaiting(blocks: readonly Block[]): readonly Block[] {
  const asked = new Set(
    blocks.flatMap(block => (block.type === 'permission' && block.resolved === null ? [block.request.tool_call_id] : []))
  );
  return asked.size === 0
    ? blocks
    : blocks.map(block =>
        block.type === 'tool' && block.status === 'in_progress' && asked.has(block.id) ? pending(block) : block
      );
}

function pending(block: ToolBlock): ToolBlock {
  const made = known.get(block) ?? { ...block, status: 'pending' };
  known.set(block, made);
  return made;
}
