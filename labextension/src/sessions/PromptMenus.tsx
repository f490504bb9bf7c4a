/** Agent, mode, model and effort as quiet menus under the prompt. What an agent cannot switch is greyed and says why. */
import type { ReactElement } from 'react';
import { CommandIds } from '../domain/commandIds';
import { modeWords } from '../domain/modes';
import { useStore } from '../model/store';
import { useTrans } from '../ui/trans';
import { useAgent, useRun, useSessionView } from './view';

export function PromptMenus(): ReactElement | null {
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
  const able = agent?.capabilities;
  const models = [...new Set([session.model, ...(agent?.models ?? [])])].filter(model => model !== '');
  const efforts = [...new Set([session.effort, ...session.efforts])].filter(effort => effort !== '');
  return (
    <div className="jp-AgorMenus">
      <span className="jp-AgorMenus-agent">{agent?.title ?? session.agent}</span>
      <QuietMenu
        label={trans.__('Mode')}
        title={trans.__(modeWords(session.mode).hint)}
        value={session.mode}
        disabled={!mine}
        choices={(agent?.modes ?? [session.mode]).map(mode => [mode, trans.__(modeWords(mode).title)])}
        onChoose={mode => run(CommandIds.setMode, { mode })}
      />
      <QuietMenu
        label={trans.__('Model')}
        title={able?.set_model === true ? trans.__('Model') : trans.__('This agent keeps its model for life.')}
        value={session.model}
        disabled={!mine || able?.set_model !== true}
        choices={models.map(model => [model, model])}
        onChoose={model => run(CommandIds.setModel, { model })}
      />
      {able?.set_effort === true && (
        <QuietMenu
          label={trans.__('Effort')}
          title={trans.__('How hard it thinks')}
          value={session.effort}
          disabled={!mine}
          choices={session.effort === '' ? [['', trans.__('its own effort')], ...same(efforts)] : same(efforts)}
          onChoose={effort => effort !== '' && run(CommandIds.setEffort, { effort })}
        />
      )}
    </div>
  );
}

type Choices = readonly (readonly [string, string])[];

const same = (words: readonly string[]): Choices => words.map(word => [word, word]);

interface QuietMenuProps {
  readonly label: string;
  readonly title: string;
  readonly value: string;
  readonly disabled: boolean;
  readonly choices: Choices;
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
