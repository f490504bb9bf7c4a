import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { describe, expect, it, vi } from 'vitest';
import { CommandIds } from '../../domain/commandIds';
import type { AgorApp } from '../../model/app';
import type { BoardHost } from '../../board/BoardHost';
import { boardCommands, makeId } from '../board';
import { sessionCommands } from '../sessions';
import type { CommandContext } from '../table';
import { register } from '../table';
import { worktreeCommands } from '../worktrees';

function registered(may: boolean): { context: CommandContext; palette: string[] } {
  const commands = new CommandRegistry();
  const workspace = { may: () => may, worktrees: { get: () => new Map() } };
  const context: CommandContext = {
    app: { workspace } as unknown as AgorApp,
    boards: { current: () => null } as unknown as BoardHost,
    commands,
    trans: nullTranslator.load('agor-jupyter')
  };
  const palette: string[] = [];
  const addItem = vi.fn(({ command }: { command: string }) => palette.push(command));
  const table = [...boardCommands(context), ...worktreeCommands(context), ...sessionCommands(context)];
  register(context, { addItem } as never, table);
  return { context, palette };
}

describe('commands', () => {
  // These two stand with the plugin that owns what they show.
  const elsewhere: string[] = [CommandIds.openSession, CommandIds.showPanel];

  it.each(Object.values(CommandIds).filter(id => !elsewhere.includes(id)))('%s is registered and describes itself', async id => {
    const { commands } = registered(true).context;
    expect(id).toMatch(/^agor:[a-z]+-[a-z]+$/);
    expect(commands.hasCommand(id)).toBe(true);
    expect(commands.label(id)).not.toBe('');
    expect((await commands.describedBy(id)).args).toMatchObject({ type: 'object' });
  });

  it('puts into the palette what makes sense without arguments', () => {
    const { palette } = registered(true);
    expect(palette).toContain(CommandIds.createWorktree);
    expect(palette).not.toContain(CommandIds.answerPermission);
  });

  it('offers a viewer nothing that changes work', () => {
    const { commands } = registered(false).context;
    for (const id of [CommandIds.addRepo, CommandIds.createWorktree, CommandIds.createSession, CommandIds.answerPermission]) {
      expect(commands.isEnabled(id)).toBe(false);
    }
  });

  it('refuses what lacks its argument, and says so to the caller', async () => {
    const { commands } = registered(true).context;
    await expect(commands.execute(CommandIds.interruptSession, {})).rejects.toThrow('session_id');
  });

  it('opens the oldest board for one that this server does not have, and none where there is none', async () => {
    const opened: string[] = [];
    const boards = new Map<string, object>();
    const { context } = registered(true);
    Object.assign(context.app.workspace, { boards: { get: () => boards } });
    Object.assign(context.boards, { open: (id: string) => opened.push(id) });
    await context.commands.execute(CommandIds.openBoard, { board_id: 'board_gone' });
    expect(opened).toEqual([]);
    boards.set('board_new', { id: 'board_new', created_ms: 2 }).set('board_old', { id: 'board_old', created_ms: 1 });
    await context.commands.execute(CommandIds.openBoard, { board_id: 'board_gone' });
    await context.commands.execute(CommandIds.openBoard, { board_id: 'board_new' });
    expect(opened).toEqual(['board_old', 'board_new']);
  });

  it('makes ids of the house’s form, never the same', () => {
    const ids = new Set(Array.from({ length: 100 }, () => makeId('zone')));
    expect(ids.size).toBe(100);
    expect([...ids][0]).toMatch(/^zone_[0-9a-z]{16}$/);
  });
});
