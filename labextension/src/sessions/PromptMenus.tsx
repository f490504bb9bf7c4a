/**
 * Agent, mode, model and effort as quiet menus under the prompt, and in the header, which names the agent
 * itself. What an agent cannot switch is greyed and says why.
 */
import type { ReactElement } from 'react';
import { CommandIds } from '../domain/commandIds';
import { modeWords } from '../domain/modes';
import type { Choice } from '../domain/offers';
import { effortsOf, modelsOf } from '../domain/offers';
import { useStore } from '../model/store';
import type { AgentInfo, Session } from '../schema/types';
import { useTrans } from '../ui/trans';
import { useAgent, useRun, useSessionView } from './view';

export function PromptMenus({ inHeader = false }: { readonly inHeader?: boolean }): ReactElement | null {
  const { store, workspace } = useSessionView();
  const trans = useTrans();
  const run = useRun();
  const session = useStore(store, state => state.session);
  const agent = useAgent();
  const mine = useStore(
    workspace.me,
    me => me?.person.id === session?.owner || workspace.may('admin', 'agor:sessions')
  );
  if (session === null) {
    return null;
  }
  return (
    <div className="jp-AgorMenus">
      {!inHeader && <span className="jp-AgorMenus-agent">{agent?.title ?? session.agent}</span>}
      <QuietMenu
        label={inHeader ? trans.__('Session mode') : trans.__('Mode')}
        title={trans.__(modeWords(session.mode).hint)}
        value={session.mode}
        disabled={!mine}
        choices={(agent?.modes ?? [session.mode]).map(mode => [mode, trans.__(modeWords(mode).title)])}
        onChoose={mode => run(CommandIds.setMode, { mode })}
      />
      <ModelMenu session={session} agent={agent} mine={mine} inHeader={inHeader} />
      <EffortMenu session={session} agent={agent} mine={mine} inHeader={inHeader} />
    </div>
  );
}

interface DialProps {
  readonly session: Session;
  readonly agent: AgentInfo | undefined;
  readonly mine: boolean;
  readonly inHeader: boolean;
}

/** Stands for a model that is not listed; no model's name holds a line break. */
const OTHER = '\n';

function ModelMenu({ session, agent, mine, inHeader }: DialProps): ReactElement | null {
  const trans = useTrans();
  const run = useRun();
  const able = agent?.capabilities.set_model === true;
  const note = agent?.capabilities.notes['set_model'] ?? '';
  const listed = modelsOf(session, agent);
  const choices: readonly Choice[] = [
    ...(session.model === '' ? [['', trans.__('its own model')] as const] : []),
    ...listed,
    ...(agent?.capabilities.any_model === true ? [[OTHER, trans.__('Another model…')] as const] : [])
  ];
  return (
    <QuietMenu
      label={inHeader ? trans.__('Session model') : trans.__('Model')}
      title={able ? note || trans.__('Model') : note || trans.__('This agent keeps its model for life.')}
      value={session.model}
      disabled={!mine || !able}
      choices={choices}
      onChoose={model => model !== '' && run(CommandIds.setModel, model === OTHER ? {} : { model })}
    />
  );
}

function EffortMenu({ session, agent, mine, inHeader }: DialProps): ReactElement | null {
  const trans = useTrans();
  const run = useRun();
  const able = agent?.capabilities.set_effort === true;
  const note = agent?.capabilities.notes['set_effort'] ?? '';
  const efforts = effortsOf(session, agent);
  const own: readonly Choice[] = session.effort === '' ? [['', trans.__('its own effort')]] : [];
  const title = !able
    ? note || trans.__('This agent has no efforts to choose from.')
    : efforts.length === 0
      ? trans.__('It offers no efforts to choose from.')
      : note || trans.__('How hard it thinks');
  return (
    <QuietMenu
      label={inHeader ? trans.__('Session effort') : trans.__('Effort')}
      title={title}
      value={session.effort}
      disabled={!mine || !able || efforts.length === 0}
      choices={[...own, ...efforts.map((effort): Choice => [effort, effort])]}
      onChoose={effort => effort !== '' && run(CommandIds.setEffort, { effort })}
    />
  );
}

interface QuietMenuProps {
  readonly label: string;
  readonly title: string;
  readonly value: string;
  readonly disabled: boolean;
  readonly choices: readonly Choice[];
  readonly onChoose: (value: string) => void;
}

function QuietMenu({ label, title, value, disabled, choices, onChoose }: QuietMenuProps): ReactElement | null {
  if (choices.length === 0) {
    return null;
  }
  return (
    <select
      value={value}
      aria-label={label}
      title={title}
      disabled={disabled}
      onChange={event => onChoose(event.target.value)}
    >
      {choices.map(([each, words]) => (
        <option key={each} value={each}>
          {words}
        </option>
      ))}
    </select>
  );
}
