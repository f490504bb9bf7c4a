/** What the panel shows of a request: enough to answer it. */
import { describe, expect, it } from 'vitest';
import type { PermissionRequest } from '../../schema/types';
import { withCommand } from '../../domain/asked';

const request = (given: Partial<PermissionRequest>): PermissionRequest => ({
  type: 'permission_request',
  request_id: 'req_0000000000000001',
  tool_call_id: null,
  title: 'Run the tests',
  description: '',
  kind: 'execute',
  input: { command: 'python -m unittest -v' },
  locations: [],
  content: [],
  options: [],
  questions: [],
  digest: '',
  ...given
});

describe('withCommand', () => {
  it('shows the command that a title only describes', () => {
    expect(withCommand(request({})).content).toEqual([
      { type: 'text', text: 'python -m unittest -v', truncated: 0 }
    ]);
  });

  it.each([
    ['what the agent shows stays', request({ content: [{ type: 'text', text: 'shown', truncated: 0 }] })],
    ['no command', request({ input: {} })],
    ['not a command to run', request({ kind: 'edit' })]
  ])('leaves a request as it is: %s', (_, given) => {
    expect(withCommand(given)).toBe(given);
  });
});
