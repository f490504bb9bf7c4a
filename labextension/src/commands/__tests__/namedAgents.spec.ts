/** Commands about agents by command line: an admin's alone, for those of the panel, and removed only when agreed. */
import { Dialog } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import type { Mock } from 'vitest';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CommandIds } from '../../domain/commandIds';
import type { AgorApp } from '../../model/app';
import { Store } from '../../model/store';
import { namedAgentCommands } from '../namedAgents';
import { register } from '../table';

const LISTED = [
  { name: 'mine', label: 'Mine', source: 'panel' },
  { name: 'house', label: 'House', source: 'setting' }
];

function world(admin = true): { commands: CommandRegistry; asked: string[]; load: Mock<() => Promise<void>> } {
  const commands = new CommandRegistry();
  const asked: string[] = [];
  const load = vi.fn<() => Promise<void>>(() => Promise.resolve());
  const app = {
    workspace: {
      may: (action: string, on: string) => admin && action === 'admin' && on === 'agor:settings',
      sessions: new Store(new Map([['s', { id: 's', agent: 'acp.mine' }]]))
    },
    own: { load },
    http: {
      list: () => Promise.resolve(LISTED),
      delete: (path: string) => (asked.push(path), Promise.resolve(null))
    }
  } as unknown as AgorApp;
  const context = { app, commands, trans: nullTranslator.load('agor-jupyter') };
  register(context, null, namedAgentCommands(context));
  return { commands, asked, load };
}

// jsdom has none; a dialog draws its words with it.
vi.stubGlobal('requestIdleCallback', (run: () => void) => void setTimeout(run));

/** Press a button of the dialog once it is there; give its words. */
async function press(words: string): Promise<string> {
  const button = await vi.waitFor(() => {
    const found = [...document.querySelectorAll<HTMLElement>('.jp-Dialog button')].find(each => each.textContent === words);
    if (found === undefined) {
      throw new Error('no such button yet');
    }
    return found;
  });
  const said = document.querySelector('.jp-Dialog')?.textContent ?? '';
  button.click();
  return said;
}

describe('commands about agents by command line', () => {
  afterEach(() => Dialog.flush());

  it.each([CommandIds.addAgent, CommandIds.editAgent, CommandIds.removeAgent])('%s is an admin’s', id => {
    expect(world(true).commands.isEnabled(id)).toBe(true);
    expect(world(false).commands.isEnabled(id)).toBe(false);
  });

  it('takes one away once that is agreed, and says what becomes of its sessions', async () => {
    const { commands, asked, load } = world();
    const refused = commands.execute(CommandIds.removeAgent, { agent: 'acp.mine' });
    expect(await press('Cancel')).toContain('Its session stays readable');
    await refused;
    expect([asked, load.mock.calls.length]).toEqual([[], 0]);
    const agreed = commands.execute(CommandIds.removeAgent, { agent: 'acp.mine' });
    await press('Remove agent');
    await agreed;
    expect([asked, load.mock.calls.length]).toEqual([['named-agents/mine'], 1]);
  });

  it.each(['acp.house', 'acp.nobody', 'demo'])('does nothing about %s, which is not of the panel', async agent => {
    const { commands, asked } = world();
    await commands.execute(CommandIds.removeAgent, { agent });
    await commands.execute(CommandIds.editAgent, { agent });
    expect([asked, document.querySelector('.jp-Dialog')]).toEqual([[], null]);
  });
});
