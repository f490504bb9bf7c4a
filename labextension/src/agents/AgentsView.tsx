/** Agents: which can be used, what to do next, one's own keys, MCP servers and tokens. */
import type { ReactElement } from 'react';
import { CommandIds } from '../domain/commandIds';
import { useValue } from '../model/store';
import { useDelayed } from '../ui/delayed';
import { Empty } from '../ui/Empty';
import { useTrans } from '../ui/trans';
import { AgentCard } from './AgentCard';
import { AddAgent } from './NamedAgents';
import { Servers } from './Servers';
import { useAgents } from './view';

export function AgentsView(): ReactElement {
  const { own } = useAgents();
  const state = useValue(own.state);
  return (
    <div className="jp-AgorAgents" data-testid="agor-agents">
      {state === 'ready' ? <Ready /> : state === 'failed' ? <Failed /> : <Loading />}
    </div>
  );
}

function Ready(): ReactElement {
  const trans = useTrans();
  const { workspace, own, mayWrite } = useAgents();
  const agents = useValue(workspace.agents);
  const named = useValue(workspace.me)?.named_users === true;
  return (
    <>
      <header className="jp-AgorAgents-head">
        <h2>{trans.__('Agents')}</h2>
        <button type="button" className="jp-AgorTextButton" onClick={() => void own.load()}>
          {trans.__('Look again')}
        </button>
      </header>
      <p className="jp-AgorAgents-lead">
        {named
          ? trans.__('Your keys are used for your own sessions only. They are sealed, and nobody can read them again here.')
          : trans.__('Keys are sealed, and nobody can read them again here. Everyone on this server is one person and shares them.')}
        {!mayWrite && ` ${trans.__('You can look at this and set nothing.')}`}
      </p>
      <ul className="jp-AgorAgents-list" aria-label={trans.__('Agents')}>
        {agents.map(agent => (
          <AgentCard key={agent.kind} agent={agent} />
        ))}
      </ul>
      <AddAgent />
      <Servers />
      <Tokens />
    </>
  );
}

function Tokens(): ReactElement {
  const trans = useTrans();
  const { run } = useAgents();
  return (
    <section className="jp-AgorAgents-section">
      <h3>{trans.__('Tokens for outside clients')}</h3>
      <p>
        {trans.__('A program that speaks MCP reaches this server’s tools with a token: it has your rights, except an admin’s. A token is shown once.')}
      </p>
      <div className="jp-AgorAgents-buttons">
        <button
          type="button"
          className="jp-mod-styled"
          data-testid="agor-make-token"
          onClick={() => run(CommandIds.makeToken)}
        >
          {trans.__('Make a token')}
        </button>
        <button
          type="button"
          className="jp-mod-styled"
          data-testid="agor-end-tokens"
          onClick={() => run(CommandIds.endTokens)}
        >
          {trans.__('End all tokens…')}
        </button>
      </div>
    </section>
  );
}

function Failed(): ReactElement {
  const trans = useTrans();
  const { own } = useAgents();
  const error = useValue(own.error) as { detail?: string; hint?: string } | null;
  return (
    <Empty
      title={trans.__('The agents cannot be listed')}
      action={{ label: trans.__('Try again'), run: () => void own.load() }}
    >
      <p role="alert">{error?.detail ?? ''}</p>
      <p>{error?.hint ?? ''}</p>
    </Empty>
  );
}

function Loading(): ReactElement | null {
  const trans = useTrans();
  return useDelayed(true) ? (
    <div className="jp-AgorSkeletons" role="status" aria-label={trans.__('Loading')}>
      <div />
      <div />
      <div />
    </div>
  ) : null;
}
