/** Whose session it is, where it works, how it stands, what it has used. */
import type { ReactElement } from 'react';
import { tokensIn, totalTokens } from '../domain/applyEvent';
import { CommandIds } from '../domain/commandIds';
import { glyphOf, wordOf } from '../domain/attention';
import { useStore } from '../model/store';
import type { Session } from '../schema/types';
import { shortCount } from '../ui/clock';
import { moreIcon } from '../ui/icons';
import { StatusDot } from '../ui/StatusDot';
import { SessionAbout } from './SessionAbout';
import { openSessionMenu } from './sessionMenu';
import { useTrans } from '../ui/trans';
import { useRun, useSessionView } from './view';

export function SessionHeader(): ReactElement | null {
  const view = useSessionView();
  const { store, workspace } = view;
  const run = useRun();
  const trans = useTrans();
  const session = useStore(store, state => state.session);
  const away = useStore(workspace.connection, state => state === 'away');
  if (session === null) {
    return null;
  }
  const glyph = glyphOf({ status: session.status, updated_ms: session.updated_ms });
  return (
    <header className="jp-AgorSessionHeader">
      <StatusDot glyph={glyph} />
      <h2 title={session.title} dir="auto">
        <button type="button" title={trans.__('Rename')} onClick={() => run(CommandIds.renameSession)}>
          {session.title === '' ? trans.__('Untitled') : session.title}
        </button>
      </h2>
      <span className="jp-AgorSessionHeader-status" data-agor-status={session.status} data-testid="agor-status">
        {trans.__(wordOf(glyph))}
      </span>
      {away && (
        <span className="jp-AgorAway" role="status" title={trans.__('What you see may be old. It goes on by itself when the server is back.')}>
          {trans.__('Not connected')}
        </span>
      )}
      <span className="jp-AgorSessionHeader-space" />
      <Spent session={session} />
      <button type="button" className="jp-mod-styled" onClick={() => run(CommandIds.openTranscript)}>
        {trans.__('Notebook')}
      </button>
      <button
        type="button"
        className="jp-AgorIconButton"
        aria-label={trans.__('Session menu')}
        aria-haspopup="menu"
        title={trans.__('Session menu')}
        data-testid="agor-session-menu"
        onClick={event => openSessionMenu(view, event.currentTarget)}
      >
        <moreIcon.react tag="span" className="jp-AgorIcon" />
      </button>
      <SessionAbout session={session} />
    </header>
  );
}

function Spent({ session }: { readonly session: Session }): ReactElement {
  const trans = useTrans();
  const { usage, context_used: used, context_size: size } = session;
  const full = used !== null && size !== null && size > 0 ? Math.round((100 * used) / size) : null;
  return (
    <>
      {full !== null && (
        <meter
          className="jp-AgorContext"
          min={0}
          max={100}
          value={full}
          aria-label={trans.__('Context')}
          title={trans.__('The context is %1 % full', full)}
        />
      )}
      {totalTokens(usage) > 0 && (
        <span className="jp-AgorSessionHeader-tokens">
          {trans.__('%1 in · %2 out tokens', shortCount(tokensIn(usage)), shortCount(usage.output_tokens))}
          {usage.cost_usd !== null && ` · $${usage.cost_usd.toFixed(2)}`}
        </span>
      )}
    </>
  );
}
