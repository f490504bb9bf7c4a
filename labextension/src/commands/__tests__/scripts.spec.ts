import { Notification } from '@jupyterlab/apputils';
import { ServerConnection } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ContentsDoor } from '../../api/files';
import type { BoardHost } from '../../board/BoardHost';
import { CommandIds } from '../../domain/commandIds';
import type { AgorApp } from '../../model/app';
import { Store } from '../../model/store';
import { scriptCommands } from '../scripts';
import { register } from '../table';

const MADE = {
  name: 'a.demo.yml',
  script: 'version: 1\n',
  removed: [{ what: 'GitHub token', count: 2 }, { what: 'path', count: 3 }],
  notes: ['one', 'two']
};

/** A folder that refuses where it is told to, as Jupyter's contents API does. */
class Folder implements ContentsDoor {
  readonly files = new Map<string, string>();
  refuses = 0;

  get = (path: string): Promise<never> =>
    this.files.has(path) ? Promise.resolve({ path } as never) : Promise.reject(refusal(404));

  save = (path: string, options?: { content?: string }): Promise<never> => {
    if (this.refuses !== 0) {
      return Promise.reject(refusal(this.refuses));
    }
    this.files.set(path, options?.content ?? '');
    return Promise.resolve({ path } as never);
  };
}

const refusal = (status: number): Error => new ServerConnection.ResponseError(new Response('', { status }), `HTTP ${status}`);

function world(): { commands: CommandRegistry; folder: Folder; opened: unknown[]; asked: string[] } {
  const commands = new CommandRegistry();
  const folder = new Folder();
  const [opened, asked]: [unknown[], string[]] = [[], []];
  commands.addCommand('docmanager:open', { execute: args => void opened.push(args['path']) });
  const app = {
    workspace: { may: () => true, sessions: new Store(new Map()), worktrees: new Store(new Map()) },
    http: { get: (path: string) => (asked.push(path), Promise.resolve(MADE)) },
    current: new Store<string | null>('ses_1')
  } as unknown as AgorApp;
  const boards = { current: () => null, inFront: () => null } as unknown as BoardHost;
  const context = { app, boards, commands, contents: folder, trans: nullTranslator.load('agor-jupyter') };
  register(context, null, scriptCommands(context));
  return { commands, folder, opened, asked };
}

const told = (): string[] => Notification.manager.notifications.map(each => each.message);

describe('saving a session as a script', () => {
  beforeEach(() => Notification.manager.dismiss());

  it('writes a file, opens it, and says what was taken out', async () => {
    const { commands, folder, opened, asked } = world();
    await commands.execute(CommandIds.saveScript, { path: '/shows/mine.demo.yml' });
    expect(asked).toEqual(['sessions/ses_1/script']);
    expect([...folder.files]).toEqual([['shows/mine.demo.yml', MADE.script]]);
    expect(opened).toEqual(['shows/mine.demo.yml']);
    expect(told().at(-1)).toBe(
      'Saved as shows/mine.demo.yml. Taken out: GitHub token (2), path (3). 2 comments in it say what differs. Read it before you hand it on.'
    );
  });

  it('leaves what is there as it is', async () => {
    const { commands, folder, opened } = world();
    folder.files.set('a.demo.yml', 'mine').set('a-2.demo.yml', 'mine');
    await commands.execute(CommandIds.saveScript, { path: 'a.demo.yml' });
    expect(folder.files.get('a.demo.yml')).toBe('mine');
    expect(folder.files.get('a-3.demo.yml')).toBe(MADE.script);
    expect(opened).toEqual(['a-3.demo.yml']);
  });

  it('opens nothing where the file may not be written, and says so', async () => {
    const { commands, folder, opened } = world();
    folder.refuses = 403;
    await expect(commands.execute(CommandIds.saveScript, { path: 'a.demo.yml' })).rejects.toThrow('403');
    expect(opened).toEqual([]);
    expect(told().at(-1)).toContain('HTTP 403');
  });
});
