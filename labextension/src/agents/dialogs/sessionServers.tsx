/** The tool servers of one session: where each comes from, how it stands, and whether the next start gets it. */
import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import type { SessionServer, SessionServers } from '../../api/own';
import { CommandIds } from '../../domain/commandIds';
import { lineOf } from '../../domain/serverText';
import { SessionServersStore } from '../../model/sessionServers';
import { useValue } from '../../model/store';
import type { Workspace } from '../../model/workspace';
import type { Session } from '../../schema/types';
import { launchDialog } from '../../ui/formDialog';
import { TransContext, useTrans } from '../../ui/trans';
import { TextButton } from '../TextButton';
import { askServer } from './server';

/** What is to be done with a server of this session alone, by the command of that name. */
export type Act = (command: typeof CommandIds.editServer | typeof CommandIds.removeServer, serverId: string) => unknown;

/** Show them until somebody closes the list; what is added, edited or removed for the session is seen at once. */
export async function showSessionServers(
  workspace: Workspace,
  session: Session,
  act: Act,
  trans: TranslationBundle
): Promise<void> {
  const store = await SessionServersStore.open(workspace.http, workspace, session.id);
  try {
    // One dialog at a time: JupyterLab shows a second one only when the first is gone.
    for (let next = await nextStep(store, session, trans); next !== null; next = await nextStep(store, session, trans)) {
      await (next === 'add' ? askServer(workspace.http, [], null, trans, session) : act(...next));
      await store.look();
    }
  } finally {
    store.dispose();
  }
}

async function nextStep(
  store: SessionServersStore,
  session: Session,
  trans: TranslationBundle
): Promise<'add' | Parameters<Act> | null> {
  const { mine } = store.get();
  const chosen: Parameters<Act>[] = [];
  const buttons = [Dialog.cancelButton({ label: trans.__('Close') })];
  if (mine) {
    buttons.push(Dialog.okButton({ label: trans.__('Add for this session…') }));
  }
  const body = ReactWidget.create(
    <TransContext.Provider value={trans}>
      <ServersOfSession
        store={store}
        act={(...step) => {
          chosen.push(step);
          dialog.reject();
        }}
      />
    </TransContext.Provider>
  );
  body.addClass('jp-AgorForm');
  const title = trans.__('Tool servers of “%1”', session.title);
  const dialog = new Dialog({ title, body, buttons, defaultButton: 0, focusNodeSelector: 'input, button' });
  dialog.addClass('jp-AgorDialog');
  const { button } = await launchDialog(dialog);
  return chosen[0] ?? (button.accept ? 'add' : null);
}

interface ServersProps {
  readonly store: SessionServersStore;
  readonly act: Act;
}

export function ServersOfSession({ store, act }: ServersProps): ReactElement {
  const trans = useTrans();
  const shown = useValue(store);
  const problem = useValue(store.problem);
  return (
    <div className="jp-AgorSessionServers" data-testid="agor-session-servers" data-agor-agent={shown.agent}>
      {problem !== null && (
        <div className="jp-AgorForm-problem" role="alert">
          <strong>{problem.detail ?? problem.message}</strong>
          <span>{problem.hint ?? ''}</span>
        </div>
      )}
      {!shown.takes && <p>{shown.note === '' ? trans.__('This agent takes no tool servers.') : shown.note}</p>}
      {shown.items.length === 0 ? (
        <p>{trans.__('None yet. A tool server gives the agent tools that you bring.')}</p>
      ) : (
        <ul aria-label={trans.__('Tool servers')}>
          {shown.items.map(item => (
            <Row key={item.name} item={item} store={store} act={act} />
          ))}
        </ul>
      )}
      {!shown.mine && <p>{trans.__('They are %1’s: only their owner sees what they are, and switches them.', shown.owner)}</p>}
      <Start store={store} />
    </div>
  );
}

function Row({ item, store, act }: ServersProps & { readonly item: SessionServer }): ReactElement {
  const trans = useTrans();
  const { mine, takes, agent } = useValue(store);
  const { name, server } = item;
  const where = server === null ? '' : server.transport === 'http' ? server.url : lineOf(server.command);
  const from = { user: trans.__('everywhere'), repo: trans.__('the repository'), session: trans.__('this session') };
  return (
    <li className="jp-AgorServer" data-testid="agor-session-server-row" data-agor-name={name}>
      <label>
        <input
          type="checkbox"
          checked={item.enabled}
          disabled={!mine || !takes}
          aria-label={trans.__('%1 is on for this session', name)}
          onChange={() => void store.turn(name, !item.enabled)}
        />
        <span className="jp-AgorServer-name">{name}</span>
      </label>
      <span className="jp-AgorServer-scope">{from[item.scope]}</span>
      {where !== '' && (
        <code className="jp-AgorServer-where" title={where}>
          {where}
        </code>
      )}
      <span className="jp-AgorServer-state">{stateOf(item, agent, trans)}</span>
      {mine && item.scope === 'session' && server !== null && (
        <span className="jp-AgorAgents-buttons">
          <TextButton
            name={trans.__('Edit %1', name)}
            words={trans.__('Edit…')}
            onClick={() => act(CommandIds.editServer, server.id)}
          />
          <TextButton
            name={trans.__('Remove %1', name)}
            words={trans.__('Remove')}
            onClick={() => act(CommandIds.removeServer, server.id)}
          />
        </span>
      )}
    </li>
  );
}

/** Say how one stands: what the running agent told of it, and what its next start will do. */
function stateOf(item: SessionServer, agent: SessionServers['agent'], trans: TranslationBundle): string {
  if (item.running && item.trouble !== '') {
    return `✕ ${item.trouble}`;
  }
  if (item.running) {
    return item.enabled ? trans.__('● in use') : trans.__('in use until the agent’s next start');
  }
  return item.enabled && agent !== 'none' ? trans.__('from the agent’s next start') : '';
}

/** Say from when a change counts, and offer to make that now. */
function Start({ store }: { readonly store: SessionServersStore }): ReactElement | null {
  const trans = useTrans();
  const { agent, mine, takes } = useValue(store);
  const restart = useValue(store.restart);
  if (!takes) {
    return null;
  }
  if (agent === 'none') {
    return (
      <p role="status">
        {restart === 'closed'
          ? trans.__('The agent is closed. Your next prompt starts it anew, with what is on here.')
          : trans.__('The agent is not running. Your next prompt starts it with what is on here.')}
      </p>
    );
  }
  return (
    <div className="jp-AgorSessionServers-start">
      <p>
        {agent === 'working'
          ? trans.__('An agent takes tool servers when it starts: a change counts from its next start. This one is at work; without a task it can be restarted here.')
          : trans.__('An agent takes tool servers when it starts: a change counts from its next start.')}
      </p>
      {mine && (
        <button
          type="button"
          className="jp-mod-styled"
          data-testid="agor-restart-agent"
          disabled={agent === 'working' || restart === 'closing'}
          onClick={() => void store.restartAgent()}
        >
          {restart === 'closing' ? trans.__('Closing…') : trans.__('Restart the agent now')}
        </button>
      )}
    </div>
  );
}
