/** Commands as a table: each says its words, its arguments and what it does; one loop registers them. */
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { JSONObject, ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { CommandId } from '../domain/commandIds';
import type { AgorApp } from '../model/app';
import { notifyProblem } from '../ui/notify';
import type { BoardHost } from '../board/BoardHost';

export interface CommandContext {
  readonly app: AgorApp;
  readonly commands: CommandRegistry;
  readonly boards: BoardHost;
  readonly trans: TranslationBundle;
}

export type Args = ReadonlyPartialJSONObject;

export interface Command {
  readonly id: CommandId;
  readonly label: string;
  /** A shorter label for menus that already say what the command is about. */
  readonly brief?: string;
  readonly caption?: string;
  /** The arguments by name, as a JSON schema's properties. */
  readonly args?: JSONObject;
  /** Say whether there is something to act on, and whether this person may; with ids or without. */
  readonly enabled?: (args: Args) => boolean;
  readonly execute: (args: Args) => unknown;
}

export const CATEGORY = 'Agor';

/** Register `table`; what a command throws is shown once, here, and thrown on to who called it. */
export function register(
  { commands, trans }: Pick<CommandContext, 'commands' | 'trans'>,
  palette: ICommandPalette | null,
  table: readonly Command[]
): void {
  for (const command of table) {
    commands.addCommand(command.id, {
      label: args => textArg(args, 'label') ?? (args['brief'] === true ? (command.brief ?? command.label) : command.label),
      caption: command.caption ?? command.label,
      describedBy: {
        args: {
          type: 'object',
          properties: command.args ?? {}
        }
      },
      isEnabled: args => command.enabled?.(args) ?? true,
      execute: async args => {
        try {
          return await command.execute(args);
        } catch (error) {
          notifyProblem(error, command.label.replace(/…$/, ''));
          throw error;
        }
      }
    });
    // Every command can be run without arguments: it acts on what is in front, or asks.
    palette?.addItem({ command: command.id, category: trans.__(CATEGORY) });
  }
}

export function textArg(args: Args, name: string): string | null {
  const value = args[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

export const text = (description: string): JSONObject => ({ type: 'string', description });
