/** Agent, mode and model as quiet menus under the prompt. What an agent cannot switch is greyed and says why. */
import type { ReactElement } from 'react';
import type { AgentInfo } from '../api/agents';
import { patchSession } from '../api/sessions';
import type { Mode } from '../domain/modes';
import { modeWords } from '../domain/modes';
import { useStore, useValue } from '../model/store';
import type { Session } from '../schema/types';
import { notifyProblem } from '../ui/notify';
import { useTrans } from '../ui/trans';
import { useSessionView } from './view';

export function PromptMenus(): ReactElement | null {
  const { store, workspace } = useSessionView();
  const trans = useTrans();
  const session = useStore(store, state => state.session);
  const agent = useValue(workspace.agents).find(each => each.kind === session?.agent);
  if (session === null) {
    return null;
  }
  const change = (changes: { mode?: Mode; model?: string }): void => {
    patchSession(workspace.http, session.id, changes).catch((error: unknown) =>
      notifyProblem(error, trans.__('Changing the session'))
    );
  };
  return (
    <div className="jp-AgorMenus">
      <span className="jp-AgorMenus-agent">{agent?.title ?? session.agent}</span>
      <select
        value={session.mode}
        aria-label={trans.__('Mode')}
        title={trans.__(modeWords(session.mode).hint)}
        disabled={!mayChange(workspace.me.get()?.person.id, session, workspace.may('admin', 'agor:sessions'))}
        onChange={event => change({ mode: event.target.value as Mode })}
      >
        {(agent?.modes ?? [session.mode]).map(mode => (
          <option key={mode} value={mode} title={trans.__(modeWords(mode).hint)}>
            {trans.__(modeWords(mode).title)}
          </option>
        ))}
      </select>
      <ModelMenu session={session} agent={agent} onChange={model => change({ model })} />
    </div>
  );
}

const mayChange = (me: string | undefined, session: Session, admin: boolean): boolean =>
  me === session.owner || admin;

interface ModelMenuProps {
  readonly session: Session;
  readonly agent: AgentInfo | undefined;
  readonly onChange: (model: string) => void;
}

function ModelMenu({ session, agent, onChange }: ModelMenuProps): ReactElement | null {
  const trans = useTrans();
  const { workspace } = useSessionView();
  const models = [...new Set([session.model, ...(agent?.models ?? [])])].filter(model => model !== '');
  const able = agent?.capabilities['set_model'] === true;
  const mine = mayChange(workspace.me.get()?.person.id, session, workspace.may('admin', 'agor:sessions'));
  if (models.length === 0) {
    return null;
  }
  return (
    <select
      value={session.model}
      aria-label={trans.__('Model')}
      title={able ? trans.__('Model') : trans.__('This agent keeps its model for life.')}
      disabled={!able || !mine}
      onChange={event => onChange(event.target.value)}
    >
      {models.map(model => (
        <option key={model} value={model}>
          {model}
        </option>
      ))}
    </select>
  );
}
