/** One's own MCP servers: what they are for, whether they are on, and which credentials they need. */
import type { ReactElement } from 'react';
import type { OwnServer } from '../api/own';
import { CommandIds } from '../domain/commandIds';
import { lineOf } from '../domain/serverText';
import { useValue } from '../model/store';
import { useTrans } from '../ui/trans';
import { CredentialRow } from './CredentialRow';
import { TextButton } from './TextButton';
import { useAgents } from './view';

export function Servers(): ReactElement {
  const trans = useTrans();
  const { own, run, mayWrite } = useAgents();
  // What was chosen for one session is that session's affair, and would only crowd this list.
  const servers = useValue(own.servers).filter(each => each.scope !== 'session');
  const needed = useValue(own.credentials).filter(each => each.agents.length === 0);
  return (
    <section className="jp-AgorAgents-section">
      <h3>{trans.__('Your MCP servers')}</h3>
      <p>
        {servers.length === 0
          ? trans.__('Tools that you bring: your agents get them at their next start. Secrets are written as ${NAME} and set below.')
          : trans.__('Your agents get them at their next start, as far as they take MCP servers.')}
      </p>
      {servers.length > 0 && (
        <ul className="jp-AgorServers" aria-label={trans.__('Your MCP servers')}>
          {servers.map(server => (
            <ServerRow key={server.id} server={server} />
          ))}
        </ul>
      )}
      {needed.length > 0 && (
        <ul className="jp-AgorCredentials" aria-label={trans.__('What your servers need')}>
          {needed.map(each => (
            <CredentialRow key={each.name} credential={each} />
          ))}
        </ul>
      )}
      <div className="jp-AgorAgents-buttons">
        <button
          type="button"
          className="jp-mod-styled"
          data-testid="agor-add-server"
          disabled={!mayWrite}
          onClick={() => run(CommandIds.addServer)}
        >
          {trans.__('Add a server')}
        </button>
      </div>
    </section>
  );
}

function ServerRow({ server }: { readonly server: OwnServer }): ReactElement {
  const trans = useTrans();
  const { workspace, run, mayWrite } = useAgents();
  const repo = useValue(workspace.repos).get(server.repo_id ?? '')?.name ?? trans.__('a repository that is gone');
  const args = { server_id: server.id };
  const where = server.transport === 'http' ? server.url : lineOf(server.command);
  return (
    <li className="jp-AgorServer" data-testid="agor-server" data-agor-name={server.name}>
      <label>
        <input
          type="checkbox"
          checked={server.enabled}
          disabled={!mayWrite}
          aria-label={trans.__('%1 is on', server.name)}
          onChange={() => run(CommandIds.switchServer, args)}
        />
        <span className="jp-AgorServer-name">{server.name}</span>
      </label>
      <span className="jp-AgorServer-scope">
        {server.scope === 'repo' ? trans.__('in %1', repo) : trans.__('everywhere')}
      </span>
      <code className="jp-AgorServer-where" title={where}>
        {where}
      </code>
      {mayWrite && (
        <span className="jp-AgorAgents-buttons">
          <TextButton
            name={trans.__('Edit %1', server.name)}
            words={trans.__('Edit…')}
            onClick={() => run(CommandIds.editServer, args)}
          />
          <TextButton
            name={trans.__('Remove %1', server.name)}
            words={trans.__('Remove')}
            onClick={() => run(CommandIds.removeServer, args)}
          />
        </span>
      )}
    </li>
  );
}
