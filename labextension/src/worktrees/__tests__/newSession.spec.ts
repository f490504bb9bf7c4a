import { expect, it } from 'vitest';
import type { AgentInfo } from '../../api/agents';
import { installedFirst } from '../dialogs/newSession';

it('lists the agents that can be chosen first, each in its old order', () => {
  const agent = (kind: string, installed: boolean): AgentInfo => ({ kind, installed }) as AgentInfo;
  const agents = [agent('a', false), agent('b', true), agent('c', false), agent('d', true)];
  expect(installedFirst(agents).map(each => each.kind)).toEqual(['b', 'd', 'a', 'c']);
});
