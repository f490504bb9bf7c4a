/** The panel's first line: how many sessions wait for me, and what the server says of itself. */
import type { ReactElement } from 'react';
import { useMemo } from 'react';
import { CommandIds } from '../domain/commandIds';
import { countWaiting } from '../model/attention';
import { useStore, useValue } from '../model/store';
import { StatusDot } from '../ui/StatusDot';
import { useTrans } from '../ui/trans';
import { usePanel } from './SidePanel';

export function PanelHead(): ReactElement {
  const trans = useTrans();
  const { workspace, run } = usePanel();
  const sessions = useValue(workspace.sessions);
  const me = useValue(workspace.me);
  const away = useStore(workspace.connection, state => state === 'away');
  // eslint-disable-next-line react-hooks/exhaustive-deps -- both are read through the workspace
  const waiting = useMemo(() => countWaiting(workspace), [workspace, sessions, me]);
  return (
    <div className="jp-AgorPanel-head">
      <h2>{trans.__('Agor')}</h2>
      {away && (
        <p className="jp-AgorAway" role="status">
          {trans.__('Not connected: what you see may be old. It goes on by itself when the server is back.')}
        </p>
      )}
      {waiting > 0 && (
        <button
          type="button"
          className="jp-AgorPanel-waiting"
          data-testid="agor-waiting"
          onClick={() => run(CommandIds.nextAttention)}
        >
          <StatusDot glyph="awaiting_permission" silent />
          {trans._n('%1 session waits for you', '%1 sessions wait for you', waiting)}
        </button>
      )}
      {me !== null && me.read_only !== '' && (
        <p className="jp-AgorPanel-note" role="status">
          {me.read_only}
        </p>
      )}
      {me !== null && me.data_dir_note !== '' && <p className="jp-AgorPanel-note">{me.data_dir_note}</p>}
      {me !== null && me.role === 'viewer' && (
        <p className="jp-AgorPanel-note">{trans.__('You can watch everything here and change nothing.')}</p>
      )}
      {me !== null && !me.named_users && (
        <p
          className="jp-AgorPanel-note jp-mod-quiet"
          title={trans.__('Roles need real users: with JupyterHub or an identity provider, people are told apart.')}
        >
          {trans.__('Set up for one person: whoever opens this server has the same rights.')}
        </p>
      )}
    </div>
  );
}
