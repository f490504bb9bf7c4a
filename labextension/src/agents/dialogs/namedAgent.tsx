/** Ask for an agent by command line: what the server will run for every session with it. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import type { AgentPreset, NamedAgent } from '../../api/agents';
import { addNamedAgent, changeNamedAgent } from '../../api/agents';
import type { Http } from '../../api/http';
import { lineOf, linesOf, pairsOf, wordsOf } from '../../domain/serverText';
import type { FieldsProps } from '../../ui/formDialog';
import { askForm, Field, TextField } from '../../ui/formDialog';
import { useTrans } from '../../ui/trans';

export interface AgentForm {
  readonly preset: string;
  readonly name: string;
  readonly label: string;
  readonly command: string;
  readonly pairs: string;
  readonly credentials: string;
}

export async function askNamedAgent(
  http: Http,
  presets: readonly AgentPreset[],
  before: NamedAgent | null,
  trans: TranslationBundle
): Promise<NamedAgent | null> {
  return await askForm<AgentForm, NamedAgent>({
    title: before === null ? trans.__('Add an agent') : trans.__('Edit the agent “%1”', before.label),
    accept: before === null ? trans.__('Add agent') : trans.__('Save'),
    initial: formOf(before),
    fields: props => <AgentFields {...props} presets={presets} isNew={before === null} />,
    attempt: (form, key) => {
      const given = givenBy(form);
      return before === null
        ? addNamedAgent(http, { name: form.name.trim(), ...given }, key)
        : changeNamedAgent(http, before.name, given);
    },
    trans
  });
}

function formOf(agent: NamedAgent | null): AgentForm {
  if (agent === null) {
    return { preset: '', name: '', label: '', command: '', pairs: '', credentials: '' };
  }
  const { name, label, command, environment, credentials } = agent;
  const pairs = linesOf(environment, '=');
  return { preset: '', name, label, command: lineOf(command), pairs, credentials: credentials.join(' ') };
}

/** Fill in what an agent's own documentation says; what was typed before gives way. */
export function withPreset(form: AgentForm, preset: AgentPreset | undefined): AgentForm {
  return preset === undefined
    ? { ...form, preset: '' }
    : { ...form, preset: preset.name, name: preset.name, label: preset.label, command: lineOf(preset.command) };
}

export function givenBy(form: AgentForm): Pick<NamedAgent, 'label' | 'command' | 'environment' | 'credentials'> {
  return {
    label: form.label.trim() === '' ? form.name.trim() : form.label.trim(),
    command: wordsOf(form.command),
    environment: pairsOf(form.pairs, '='),
    credentials: form.credentials.split(/[\s,]+/).filter(word => word !== '')
  };
}

interface AgentFieldsProps extends FieldsProps<AgentForm> {
  readonly presets: readonly AgentPreset[];
  readonly isNew: boolean;
}

export function AgentFields(props: AgentFieldsProps): ReactElement {
  const trans = useTrans();
  const { value, onChange, isNew } = props;
  return (
    <>
      <p>
        {trans.__('This server runs the command line as it stands, for everybody who begins a session with it: only an admin adds, changes or removes one. Nothing is run before the first prompt.')}
      </p>
      {isNew && <NewFields {...props} />}
      <TextField
        label={trans.__('Shown as')}
        data-testid="agor-agent-label"
        value={value.label}
        onText={label => onChange({ label })}
      />
      <TextField
        label={trans.__('Command line')}
        hint={trans.__('It must speak the Agent Client Protocol on its standard input and output.')}
        data-testid="agor-agent-command"
        spellCheck={false}
        placeholder="my-agent --acp"
        value={value.command}
        onText={command => onChange({ command })}
      />
      <SecretFields {...props} />
    </>
  );
}

function NewFields({ value, onChange, presets }: AgentFieldsProps): ReactElement {
  const trans = useTrans();
  const chosen = presets.find(each => each.name === value.preset);
  return (
    <>
      <Field label={trans.__('Fill in')} hint={chosen?.hint ?? ''}>
        <select
          className="jp-mod-styled"
          data-agor-first
          data-testid="agor-agent-preset"
          value={value.preset}
          onChange={event => onChange(withPreset(value, presets.find(each => each.name === event.target.value)))}
        >
          <option value="">{trans.__('Another agent')}</option>
          {presets.map(each => (
            <option key={each.name} value={each.name}>
              {each.label}
            </option>
          ))}
        </select>
      </Field>
      <TextField
        label={trans.__('Name')}
        hint={trans.__('a-z, 0-9, dashes; for life: sessions are begun with it.')}
        data-testid="agor-agent-name"
        spellCheck={false}
        value={value.name}
        onText={name => onChange({ name })}
      />
    </>
  );
}

function SecretFields({ value, onChange }: AgentFieldsProps): ReactElement {
  const trans = useTrans();
  return (
    <>
      <Field label={trans.__('Variables, one a line')} hint={trans.__('A secret is written as ${NAME}: each person sets NAME among their keys.')}>
        <textarea
          className="jp-mod-styled"
          data-testid="agor-agent-pairs"
          rows={3}
          spellCheck={false}
          placeholder="AGENT_PROVIDER=anthropic"
          value={value.pairs}
          onChange={event => onChange({ pairs: event.target.value })}
        />
      </Field>
      <TextField
        label={trans.__('Keys that it takes')}
        hint={trans.__('Names of variables; each person sets their own. Never a value.')}
        data-testid="agor-agent-credentials"
        spellCheck={false}
        placeholder="ANTHROPIC_API_KEY"
        value={value.credentials}
        onText={credentials => onChange({ credentials })}
      />
    </>
  );
}
