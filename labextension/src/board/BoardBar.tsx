/** The board's own bar: its name, what can be added, who is here, whether it is connected. */
import type { LabIcon } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';
import { CommandIds } from '../domain/commandIds';
import type { Peer } from '../model/presence';
import { useStore, useValue } from '../model/store';
import { Face } from '../ui/Face';
import { fitIcon, noteIcon, plusIcon, zoneIcon } from '../ui/icons';
import { useTrans } from '../ui/trans';
import { useBoardView } from './view';

export function BoardBar(): ReactElement {
  const trans = useTrans();
  const view = useBoardView();
  const name = useStore(view.workspace.boards, boards => boards.get(view.doc.id)?.name ?? '');
  const writable = useStore(view.workspace.me, () => view.canWrite);
  const mayMake = useStore(view.workspace.me, () => view.workspace.may('write', 'agor:worktrees'));
  return (
    <div className="jp-AgorBar" role="toolbar" aria-label={trans.__('Board')}>
      <h2 className="jp-AgorBar-name" title={name}>
        {name}
      </h2>
      <BarButton
        icon={plusIcon}
        label={trans.__('Worktree')}
        title={trans.__('Make a worktree')}
        command={CommandIds.createWorktree}
        disabled={!mayMake}
      />
      <BarButton icon={zoneIcon} label={trans.__('Zone')} title={trans.__('Add a zone')} command={CommandIds.addZone} disabled={!writable} />
      <BarButton icon={noteIcon} label={trans.__('Note')} title={trans.__('Add a note')} command={CommandIds.addNote} disabled={!writable} />
      <BarButton icon={fitIcon} label="" title={trans.__('Show everything')} command={CommandIds.fitBoard} />
      {!writable && <span className="jp-AgorChip">{trans.__('View only')}</span>}
      <span className="jp-AgorBar-space" />
      <Connection />
      <People />
    </div>
  );
}

interface BarButtonProps {
  readonly icon: LabIcon;
  readonly label: string;
  readonly title: string;
  readonly command: string;
  readonly disabled?: boolean;
}

function BarButton({ icon, label, title, command, disabled = false }: BarButtonProps): ReactElement {
  const view = useBoardView();
  return (
    <button
      type="button"
      className="jp-AgorBar-button"
      title={title}
      aria-label={title}
      disabled={disabled}
      data-agor-command={command}
      onClick={() => view.run(command)}
    >
      <icon.react tag="span" className="jp-AgorIcon" />
      {label}
    </button>
  );
}

function Connection(): ReactElement | null {
  const trans = useTrans();
  const state = useValue(useBoardView().doc.state);
  return state === 'away' ? (
    <span
      className="jp-AgorAway"
      role="status"
      title={trans.__('What you change in zones and notes is kept and sent when the server is back.')}
    >
      {trans.__('Not connected')}
    </span>
  ) : null;
}

/** One face a person, however many pages they have open; mine is drawn apart. */
function others(peers: readonly Peer[], mine: string): Peer[] {
  const people = new Map(peers.map(peer => [peer.user.username, peer]));
  people.delete(mine);
  return [...people.values()];
}

function People(): ReactElement {
  const trans = useTrans();
  const { doc, workspace } = useBoardView();
  const me = useStore(workspace.me, value => value?.person);
  const peers = others(useValue(doc.presence.peers), workspace.username);
  return (
    <div className="jp-AgorFaces" role="group" aria-label={trans.__('People on this board')} data-testid="agor-people">
      {peers.slice(0, 6).map(({ clientId, user }) => (
        <Face key={clientId} name={user.display_name} initials={user.initials} color={user.color} size={24} />
      ))}
      {peers.length > 6 && <span className="jp-AgorChip">+{peers.length - 6}</span>}
      {me !== undefined && (
        <Face name={trans.__('%1 (you)', me.display_name)} initials={me.initials} color={me.color} size={24} />
      )}
    </div>
  );
}
