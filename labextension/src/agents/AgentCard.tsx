/** One kind of agent: can it be used, what to do next, one's keys for it, what it can do. */
import type { ReactElement } from 'react';
import { useState } from 'react';
import type { Ability, AgentState } from '../domain/abilities';
import { abilitiesOf, stateOf } from '../domain/abilities';
import { CommandIds } from '../domain/commandIds';
import { useValue } from '../model/store';
import type { AgentInfo } from '../schema/types';
import { Coded } from '../ui/Coded';
import { Disclosure } from '../ui/Disclosure';
import { useTrans } from '../ui/trans';
import { NamedAgentButtons } from './NamedAgents';
import { CredentialRow } from './CredentialRow';
import { TextButton } from './TextButton';
import { useAgents } from './view';

const STATES: Record<AgentState, { readonly glyph: string; readonly words: string }> = {
  ready: { glyph: '●', words: 'Ready' },
  unknown: { glyph: '○', words: 'Installed; whether you are logged in shows at the first prompt' },
  'logged-out': { glyph: '‖', words: 'Not logged in' },
  absent: { glyph: '✕', words: 'Not installed' }
};

export function AgentCard({ agent }: { readonly agent: AgentInfo }): ReactElement {
  const trans = useTrans();
  const { own, mayWrite } = useAgents();
  const mine = useValue(own.credentials).filter(each => each.agents.includes(agent.kind));
  const state = stateOf(agent);
  return (
    <li className="jp-AgorAgent" data-testid="agor-agent" data-agor-kind={agent.kind} data-agor-state={state}>
      <div className="jp-AgorAgent-line">
        <h3>{agent.title}</h3>
        {agent.version !== '' && <span className="jp-AgorAgent-version">{agent.version}</span>}
        <span className="jp-AgorAgent-state">
          <span aria-hidden>{STATES[state].glyph}</span> {trans.__(STATES[state].words)}
        </span>
      </div>
      {agent.hint !== '' && (
        <p className="jp-AgorAgent-hint">
          <Coded text={agent.hint} />
        </p>
      )}
      {mine.length > 0 && (
        <ul className="jp-AgorCredentials" aria-label={trans.__('Your keys for %1', agent.title)}>
          {mine.map(each => (
            <CredentialRow key={each.name} credential={each} />
          ))}
        </ul>
      )}
      <div className="jp-AgorAgent-foot">
        <Abilities agent={agent} />
        <NamedAgentButtons agent={agent} />
        {mayWrite && <VariablesButton agent={agent} />}
      </div>
    </li>
  );
}

function VariablesButton({ agent }: { readonly agent: AgentInfo }): ReactElement {
  const trans = useTrans();
  const { own, run } = useAgents();
  const settings = useValue(own.settings);
  const count = (settings[`environment.${agent.kind}`] ?? '').split('\n').filter(line => line.trim() !== '').length;
  return (
    <TextButton
      name={trans.__('Your variables for %1', agent.title)}
      words={count === 0 ? trans.__('Variables…') : trans._n('%1 variable…', '%1 variables…', count)}
      onClick={() => run(CommandIds.setVariables, { agent: agent.kind })}
    />
  );
}

function Abilities({ agent }: { readonly agent: AgentInfo }): ReactElement {
  const trans = useTrans();
  const [open, setOpen] = useState(false);
  const all = abilitiesOf(agent);
  const able = all.filter(each => each.able).length;
  return (
    <div className="jp-AgorAbilities">
      <Disclosure open={open} onToggle={() => setOpen(!open)}>
        {trans.__('What it can do: %1 of %2 features', able, all.length)}
      </Disclosure>
      {open && (
        <ul>
          {all.map(each => (
            <AbilityLine key={each.field} ability={each} />
          ))}
        </ul>
      )}
    </div>
  );
}

function AbilityLine({ ability }: { readonly ability: Ability }): ReactElement {
  const trans = useTrans();
  const why = ability.note === '' && !ability.able ? trans.__('This agent cannot.') : ability.note;
  return (
    <li className={ability.able ? 'jp-AgorAbility' : 'jp-AgorAbility jp-mod-not'}>
      <span aria-hidden>{ability.able ? '✓' : '–'}</span>
      <span>
        <span className="jp-AgorAbility-name">{trans.__(ability.words)}</span>
        {!ability.able && <span className="jp-AgorHidden">{trans.__('no')}</span>}
        {why !== '' && (
          <small>
            <Coded text={why} />
          </small>
        )}
      </span>
    </li>
  );
}
