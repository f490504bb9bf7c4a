/** Ask for a session: which agent, how free it is, and the first words. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import type { AgentInfo, Mode } from '../../api/agents';
import { createSession } from '../../api/sessions';
import { modeWords } from '../../domain/modes';
import type { Workspace } from '../../model/workspace';
import type { Session } from '../../schema/types';
import type { FieldsProps } from '../../ui/formDialog';
import { askForm, Field } from '../../ui/formDialog';
import { useTrans } from '../../ui/trans';

interface SessionForm {
  readonly agent: string;
  readonly mode: Mode;
  readonly prompt: string;
}

/** Name a session by the first line of its first prompt. */
export function titleOf(prompt: string): string {
  const line = prompt.trim().split('\n', 1)[0] ?? '';
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}

export async function askSession(
  workspace: Workspace,
  worktreeId: string,
  trans: TranslationBundle
): Promise<Session | null> {
  const agents = workspace.agents.get();
  const name = workspace.worktrees.get().get(worktreeId)?.name ?? '';
  const preferred = agents.find(agent => agent.installed && agent.authenticated !== false) ?? agents[0];
  const session = await askForm<SessionForm, Session>({
    title: trans.__('New session in %1', name),
    accept: trans.__('Start'),
    initial: { agent: preferred?.kind ?? '', mode: preferred?.modes[0] ?? 'ask', prompt: '' },
    fields: props => <SessionFields {...props} agents={agents} />,
    attempt: ({ agent, mode, prompt }, key) => {
      const words = prompt.trim();
      const said = words === '' ? {} : { prompt: words, title: titleOf(words) };
      return createSession(workspace.http, { worktree_id: worktreeId, agent, mode, ...said }, key);
    },
    trans
  });
  if (session !== null) {
    workspace.take({ session });
  }
  return session;
}

interface SessionFieldsProps extends FieldsProps<SessionForm> {
  readonly agents: readonly AgentInfo[];
}

function SessionFields({ value, onChange, agents }: SessionFieldsProps): ReactElement {
  const trans = useTrans();
  const agent = agents.find(each => each.kind === value.agent);
  const modes = agent?.modes ?? ['ask'];
  return (
    <>
      <Field label={trans.__('What do you want done?')}>
        <textarea
          className="jp-mod-styled"
          data-agor-first
          data-testid="agor-session-prompt"
          rows={5}
          value={value.prompt}
          onChange={event => onChange({ prompt: event.target.value })}
        />
      </Field>
      <Field label={trans.__('Agent')} hint={agent?.hint ?? ''}>
        <select
          className="jp-mod-styled"
          data-testid="agor-session-agent"
          value={value.agent}
          onChange={event => onChange({ agent: event.target.value })}
        >
          {agents.map(each => (
            <option key={each.kind} value={each.kind} disabled={!each.installed}>
              {each.installed ? each.title : trans.__('%1 (not installed)', each.title)}
            </option>
          ))}
        </select>
      </Field>
      <Field label={trans.__('Mode')} hint={trans.__(modeWords(value.mode).hint)}>
        <select
          className="jp-mod-styled"
          data-testid="agor-session-mode"
          value={value.mode}
          onChange={event => onChange({ mode: event.target.value as Mode })}
        >
          {modes.map(mode => (
            <option key={mode} value={mode}>
              {trans.__(modeWords(mode).title)}
            </option>
          ))}
        </select>
      </Field>
    </>
  );
}
