/** Notifications of what agents ask, answerable where they are shown. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import { ProblemError } from '../api/problem';
import { CommandIds } from '../domain/commandIds';
import { AskedOfMe } from '../model/askedOfMe';
import type { NoticeSettings } from '../model/askNotices';
import { AskNotices } from '../model/askNotices';
import type { Waiting } from '../model/inbox';
import { Inbox } from '../model/inbox';
import { Store } from '../model/store';
import { IAgorApp } from '../tokens';
import { notifyOffer } from '../ui/notify';
import { askForSystemNotices, systemNotice } from '../ui/systemNotice';
import { DOMAIN } from '../ui/trans';

const ID = 'agor-jupyter:notifications';

export const notificationsPlugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Notifications of what agents ask, with the answers as buttons.',
  autoStart: true,
  requires: [IAgorApp],
  optional: [ISettingRegistry, ITranslator],
  activate: (
    { commands, restored }: JupyterFrontEnd,
    { inView, stream, workspace }: IAgorApp,
    registry: ISettingRegistry | null,
    translator: ITranslator | null
  ): void => {
    // Nothing is shown before it is known whether it is wanted.
    const settings = new Store<NoticeSettings>({ enabled: false, system: false });
    void restored.then(() => follow(registry, settings));
    const inbox = new Inbox(stream);
    const run = (command: string, args = {}): void => void commands.execute(command, args).catch(console.warn);
    new AskNotices({
      inbox,
      asked: AskedOfMe.of(workspace, inbox),
      titleOf: id => workspace.sessions.get().get(id)?.title ?? '',
      inView,
      settings,
      trans: (translator ?? nullTranslator).load(DOMAIN),
      offer: notifyOffer,
      systemNotice,
      hidden: () => document.hidden,
      answer: (waiting, option) => answer(commands, waiting, option),
      open: id => run(CommandIds.openSession, { session_id: id, focus: 'ask' }),
      showAll: () => run(CommandIds.showPanel)
    });
  }
};

async function follow(registry: ISettingRegistry | null, store: Store<NoticeSettings>): Promise<void> {
  const loaded = await registry?.load(ID).catch(() => undefined);
  const take = (): void => {
    const { enabled, system } = (loaded?.composite ?? {}) as Partial<NoticeSettings>;
    store.set({ enabled: enabled ?? true, system: system ?? false });
    if (system === true) {
      void askForSystemNotices();
    }
  };
  loaded?.changed.connect(take);
  take();
}

async function answer(commands: CommandRegistry, { request }: Waiting, option: string): Promise<'done' | 'again'> {
  const { request_id, digest } = request;
  try {
    await commands.execute(CommandIds.answerPermission, { request_id, digest, option_id: option });
    return 'done';
  } catch (error) {
    return error instanceof ProblemError && error.kind === 'AlreadyAnswered' ? 'done' : 'again';
  }
}
