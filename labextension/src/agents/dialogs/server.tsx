/** Ask for an MCP server: a command or a URL, where it is for, and its variables or headers. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import type { Http } from '../../api/http';
import type { NewServer, OwnServer } from '../../api/own';
import { changeServer, createServer } from '../../api/own';
import { lineOf, linesOf, pairsOf, wordsOf } from '../../domain/serverText';
import type { Repo, Session } from '../../schema/types';
import type { FieldsProps } from '../../ui/formDialog';
import { askForm, Field, TextField } from '../../ui/formDialog';
import { useTrans } from '../../ui/trans';

interface ServerForm {
  readonly name: string;
  readonly repo: string;
  readonly transport: OwnServer['transport'];
  readonly where: string;
  readonly pairs: string;
}

const separatorOf = (transport: OwnServer['transport']): string => (transport === 'http' ? ':' : '=');

export async function askServer(
  http: Http,
  repos: readonly Repo[],
  before: OwnServer | null,
  trans: TranslationBundle,
  session: Session | null = null
): Promise<OwnServer | null> {
  return await askForm<ServerForm, OwnServer>({
    title: before === null ? trans.__('Add an MCP server') : trans.__('Edit the MCP server “%1”', before.name),
    accept: before === null ? trans.__('Add server') : trans.__('Save'),
    initial: formOf(before),
    fields: props => <ServerFields {...props} repos={repos} session={session} isNew={before === null} />,
    attempt: (form, key) => {
      const given = givenBy(form);
      const place = placeOf(form, session);
      return before === null ? createServer(http, { ...given, ...place }, key) : changeServer(http, before.id, given);
    },
    trans
  });
}

function placeOf({ repo }: ServerForm, session: Session | null): Pick<NewServer, 'scope' | 'repo_id' | 'session_id'> {
  if (session !== null) {
    return { scope: 'session', session_id: session.id };
  }
  return repo === '' ? {} : { scope: 'repo', repo_id: repo };
}

function formOf(server: OwnServer | null): ServerForm {
  if (server === null) {
    return { name: '', repo: '', transport: 'stdio', where: '', pairs: '' };
  }
  const { name, transport, repo_id } = server;
  const http = transport === 'http';
  const pairs = linesOf(http ? server.headers : server.environment, http ? ': ' : '=');
  return { name, repo: repo_id ?? '', transport, where: http ? server.url : lineOf(server.command), pairs };
}

/** Give all fields: what the other transport had is taken away. */
function givenBy({ name, transport, where, pairs }: ServerForm): Pick<
  OwnServer,
  'name' | 'transport' | 'command' | 'url' | 'environment' | 'headers'
> {
  const map = pairsOf(pairs, separatorOf(transport));
  const http = transport === 'http';
  return {
    name: name.trim(),
    transport,
    command: http ? [] : wordsOf(where),
    url: http ? where.trim() : '',
    environment: http ? {} : map,
    headers: http ? map : {}
  };
}

interface ServerFieldsProps extends FieldsProps<ServerForm> {
  readonly repos: readonly Repo[];
  /** The one session that it is for, when it was added there. */
  readonly session: Session | null;
  readonly isNew: boolean;
}

function ServerFields(props: ServerFieldsProps): ReactElement {
  const trans = useTrans();
  const { value, onChange, repos, session, isNew } = props;
  return (
    <>
      <TextField
        label={trans.__('Name')}
        hint={trans.__('Letters, digits, dashes: agents name its tools after it.')}
        data-agor-first
        data-testid="agor-server-name"
        value={value.name}
        onText={name => onChange({ name })}
      />
      {session !== null && (
        <p>{trans.__('For the session “%1” alone, from its agent’s next start.', session.title)}</p>
      )}
      {isNew && session === null && (
        <Field label={trans.__('For')}>
          <select
            className="jp-mod-styled"
            value={value.repo}
            onChange={event => onChange({ repo: event.target.value })}
          >
            <option value="">{trans.__('All my sessions')}</option>
            {repos.map(repo => (
              <option key={repo.id} value={repo.id}>
                {trans.__('My sessions in %1', repo.name)}
              </option>
            ))}
          </select>
        </Field>
      )}
      <PlaceFields {...props} />
    </>
  );
}

function PlaceFields({ value, onChange }: ServerFieldsProps): ReactElement {
  const trans = useTrans();
  const http = value.transport === 'http';
  return (
    <>
      <Field label={trans.__('Reached by')}>
        <select
          className="jp-mod-styled"
          data-testid="agor-server-transport"
          value={value.transport}
          onChange={event => onChange({ transport: event.target.value as ServerForm['transport'] })}
        >
          <option value="stdio">{trans.__('A command on this server')}</option>
          <option value="http">{trans.__('A URL')}</option>
        </select>
      </Field>
      <TextField
        label={http ? trans.__('URL') : trans.__('Command')}
        data-testid="agor-server-where"
        spellCheck={false}
        placeholder={http ? 'https://tools.example.org/mcp' : 'npx -y my-mcp-server --stdio'}
        value={value.where}
        onText={where => onChange({ where })}
      />
      <Field
        label={http ? trans.__('Headers, one a line') : trans.__('Variables, one a line')}
        hint={trans.__('A secret is written as ${NAME}: set NAME afterwards, in Agents and keys.')}
      >
        <textarea
          className="jp-mod-styled"
          data-testid="agor-server-pairs"
          rows={3}
          spellCheck={false}
          placeholder={http ? 'Authorization: Bearer ${MY_TOKEN}' : 'API_TOKEN=${MY_TOKEN}'}
          value={value.pairs}
          onChange={event => onChange({ pairs: event.target.value })}
        />
      </Field>
    </>
  );
}
