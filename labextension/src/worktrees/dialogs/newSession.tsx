/** Ask for a session: which agent, how free it is, with which model and tools, and the first words. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import type { AgentInfo, Mode } from '../../api/agents';
import type { OwnServer } from '../../api/own';
import { createSession } from '../../api/sessions';
import { modeWords } from '../../domain/modes';
import type { OwnThings } from '../../model/ownThings';
import type { Workspace } from '../../model/workspace';
import type { Session } from '../../schema/types';
import type { FieldsProps } from '../../ui/formDialog';
import { askForm, Field } from '../../ui/formDialog';
import { useTrans } from '../../ui/trans';
import type { SessionForm } from './sessionForm';
import { firstForm, hindrance, serversIn, wishOf, withAgent } from './sessionForm';

/** Order agents so that those that can be chosen come first. */
export function installedFirst(agents: readonly AgentInfo[]): AgentInfo[] {
  return [...agents].sort((a, b) => Number(b.installed) - Number(a.installed));
}

export async function askSession(
  workspace: Workspace,
  own: OwnThings,
  worktreeId: string,
  trans: TranslationBundle
): Promise<Session | null> {
  await own.load();
  const agents = installedFirst(workspace.agents.get());
  const worktree = workspace.worktrees.get().get(worktreeId);
  const repoId = worktree?.repo_id ?? null;
  const servers = serversIn(own.servers.get(), repoId);
  const session = await askForm<SessionForm, Session>({
    title: trans.__('New session in %1', worktree?.name ?? ''),
    accept: trans.__('Start'),
    initial: firstForm(agents, servers, own.lastChoice(repoId)),
    fields: props => <SessionFields {...props} offer={{ agents, servers }} />,
    attempt: async (form, key) => {
      const agent = agents.find(each => each.kind === form.agent);
      const made = await createSession(workspace.http, wishOf(form, worktreeId, agent, servers), key);
      const { agent: kind, mode, model, effort, without } = form;
      void own.remember(repoId, { agent: kind, mode, model, effort, without });
      return made;
    },
    trans
  });
  if (session !== null) {
    workspace.take({ session });
  }
  return session;
}

interface Offer {
  readonly agents: readonly AgentInfo[];
  readonly servers: readonly OwnServer[];
}

interface SessionFieldsProps extends FieldsProps<SessionForm> {
  readonly offer: Offer;
}

function SessionFields(props: SessionFieldsProps): ReactElement {
  const trans = useTrans();
  const { value, onChange, offer } = props;
  const agent = offer.agents.find(each => each.kind === value.agent);
  return (
    <>
      <Field label={trans.__('What do you want done?')} hint={trans.__('Ctrl+Enter: start')}>
        <textarea
          className="jp-mod-styled"
          data-agor-first
          data-testid="agor-session-prompt"
          rows={5}
          value={value.prompt}
          onChange={event => onChange({ prompt: event.target.value })}
        />
      </Field>
      <AgentField {...props} />
      <Field label={trans.__('Mode')} hint={trans.__(modeWords(value.mode).hint)}>
        <select
          className="jp-mod-styled"
          data-testid="agor-session-mode"
          value={value.mode}
          onChange={event => onChange({ mode: event.target.value as Mode })}
        >
          {(agent?.modes ?? ['ask']).map(mode => (
            <option key={mode} value={mode}>
              {trans.__(modeWords(mode).title)}
            </option>
          ))}
        </select>
      </Field>
      {agent !== undefined && <ModelFields {...props} agent={agent} />}
      {agent !== undefined && offer.servers.length > 0 && <ServerField {...props} agent={agent} />}
    </>
  );
}

function AgentField({ value, onChange, offer }: SessionFieldsProps): ReactElement {
  const trans = useTrans();
  const words = (agent: AgentInfo): string => {
    const why = hindrance(agent);
    if (why === null) {
      return agent.title;
    }
    return why === 'absent' ? trans.__('%1 (not installed)', agent.title) : trans.__('%1 (not logged in)', agent.title);
  };
  const { agents } = offer;
  return (
    <Field label={trans.__('Agent')} hint={agents.find(each => each.kind === value.agent)?.hint ?? ''}>
      <select
        className="jp-mod-styled"
        data-testid="agor-session-agent"
        value={value.agent}
        onChange={event => onChange(withAgent(value, agents.find(each => each.kind === event.target.value)))}
      >
        {agents.map(each => (
          <option key={each.kind} value={each.kind} disabled={!each.installed} title={each.hint.replaceAll('`', '')}>
            {words(each)}
          </option>
        ))}
      </select>
    </Field>
  );
}

interface WithAgent extends SessionFieldsProps {
  readonly agent: AgentInfo;
}

/** The model is free text with proposals: an agent may know more of them than it tells before it runs. */
function ModelFields({ value, onChange, agent }: WithAgent): ReactElement {
  const trans = useTrans();
  const efforts = agent.capabilities.set_effort ? agent.efforts : [];
  return (
    <>
      <Field label={trans.__('Model')}>
        <input
          className="jp-mod-styled"
          data-testid="agor-session-model"
          list="jp-AgorModels"
          spellCheck={false}
          placeholder={agent.default_model === '' ? trans.__('The agent’s own choice') : agent.default_model}
          value={value.model}
          onChange={event => onChange({ model: event.target.value })}
        />
      </Field>
      <datalist id="jp-AgorModels">
        {agent.models.map(each => (
          <option key={each} value={each} label={agent.model_labels[each] ?? each} />
        ))}
      </datalist>
      <Field label={trans.__('Effort')} hint={efforts.length === 0 ? (agent.capabilities.notes['set_effort'] ?? '') : ''}>
        <select
          className="jp-mod-styled"
          data-testid="agor-session-effort"
          value={value.effort}
          disabled={efforts.length === 0}
          onChange={event => onChange({ effort: event.target.value })}
        >
          <option value="">{trans.__('The agent’s own choice')}</option>
          {efforts.map(each => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </Field>
    </>
  );
}

function ServerField({ value, onChange, offer, agent }: WithAgent): ReactElement {
  const trans = useTrans();
  const able = agent.capabilities.mcp;
  const why = agent.capabilities.notes['mcp'] ?? '';
  const turn = (name: string, on: boolean): void =>
    onChange({ without: on ? value.without.filter(each => each !== name) : [...value.without, name] });
  return (
    <fieldset className="jp-AgorField jp-AgorChoices" disabled={!able}>
      <legend>{trans.__('Your MCP servers')}</legend>
      {offer.servers.map(({ name }) => (
        <label key={name}>
          <input
            type="checkbox"
            data-testid="agor-session-server"
            checked={able && !value.without.includes(name)}
            onChange={event => turn(name, event.target.checked)}
          />
          {name}
        </label>
      ))}
      {!able && <small>{why === '' ? trans.__('%1 takes none.', agent.title) : why}</small>}
    </fieldset>
  );
}
