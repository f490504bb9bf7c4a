/** A tool call whose task has ended neither waits nor runs any more. */
import { cleanup, render, screen } from '@testing-library/react';
import { afterEach, describe, expect, it } from 'vitest';
import type { ToolBlock } from '../../schema/types';
import { ToolRows } from '../ToolRows';

afterEach(cleanup);

const tool = (status: ToolBlock['status']): ToolBlock => ({
  type: 'tool',
  id: status,
  title: 'Run the tests',
  kind: 'execute',
  status,
  input: {},
  locations: [],
  content: [],
  parent_tool_call_id: null,
  started_ms: 0,
  ended_ms: null,
  first_seq: 1,
  last_seq: 1
});

describe('ToolRows', () => {
  it.each([
    ['pending', 'waits', 'stopped'],
    ['in_progress', 'runs', 'stopped'],
    ['failed', 'failed', 'failed']
  ] as const)('says of a %s call %s, and %s once its task is over', (status, before, after) => {
    const { rerender } = render(<ToolRows blocks={[tool(status)]} live over={false} />);
    expect(screen.getByText(before)).toBeTruthy();
    rerender(<ToolRows blocks={[tool(status)]} live={false} over />);
    expect(screen.getByText(after)).toBeTruthy();
  });
});
