/** Commands about oneself. */
import { renameMe } from '../api/agents';
import { CommandIds } from '../domain/commandIds';
import { askLine } from './ask';
import type { Command, CommandContext } from './table';
import { text, textArg } from './table';

export function peopleCommands(context: CommandContext): Command[] {
  const { app, trans } = context;
  const { workspace } = app;
  return [
    {
      id: CommandIds.renameMe,
      label: trans.__('Change My Display Name…'),
      caption: trans.__('What others call you here. A name that comes from a login is changed where you log in.'),
      args: { name: text('The new name; asked for when absent.') },
      enabled: () => {
        const me = workspace.me.get();
        return me !== null && !me.named_users && me.read_only === '';
      },
      execute: async args => {
        const before = workspace.me.get()?.person.display_name ?? '';
        const name = textArg(args, 'name') ?? (await askLine(trans.__('What others call you'), before));
        if (name !== null) {
          workspace.takeMe(await renameMe(app.http, name));
        }
        return name;
      }
    }
  ];
}
