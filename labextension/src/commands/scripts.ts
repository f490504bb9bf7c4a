/** The command that saves a session as a script of the demo agent, and says what was taken out of it. */
import { saveNew, type ContentsDoor } from '../api/files';
import { fetchScript } from '../api/sessions';
import { CommandIds } from '../domain/commandIds';
import type { SessionScript } from '../schema/types';
import { notifyDone } from '../ui/notify';
import { askLine } from './ask';
import { sessionArg } from './sessions';
import type { Command, CommandContext } from './table';
import { text, textArg } from './table';
import { needSession, whereSession } from './targets';

export function scriptCommands(context: CommandContext & { readonly contents: ContentsDoor }): Command[] {
  const { app, commands, contents, trans } = context;
  return [
    {
      id: CommandIds.saveScript,
      label: trans.__('Save the Session as a Demo Script…'),
      brief: trans.__('Save as Demo Script…'),
      args: { ...sessionArg, path: text('The file to write, below the folder that JupyterLab shows; asked for when absent.') },
      enabled: whereSession(context, session => session.task_count > 0),
      execute: async args => {
        const made = await fetchScript(app.http, needSession(context, args));
        const wanted = textArg(args, 'path') ?? (await askLine(trans.__('Save the script as'), made.name, trans.__('Save')));
        if (wanted === null) {
          return null;
        }
        const path = await saveNew(contents, wanted, made.script);
        notifyDone(trans.__('Saved as %1. %2', path, takenOut(made, context)), trans);
        await commands.execute('docmanager:open', { path });
        return { path, removed: made.removed, notes: made.notes };
      }
    }
  ];
}

/** Say what the server took out; a guess can miss something, so who saves is asked to look. */
function takenOut({ removed, notes }: SessionScript, { trans }: CommandContext): string {
  const listed = removed.map(({ what, count }) => `${what} (${count})`).join(', ');
  const words = [
    listed === '' ? trans.__('Nothing had to be taken out.') : trans.__('Taken out: %1.', listed),
    notes.length === 0 ? '' : trans._n('%1 comment in it says what differs.', '%1 comments in it say what differs.', notes.length),
    trans.__('Read it before you hand it on.')
  ];
  return words.filter(each => each !== '').join(' ');
}
