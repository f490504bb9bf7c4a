/** A card's last line: who looks at it, tokens, changed files, how many finished unseen. */
import type { ReactElement } from 'react';
import { memo } from 'react';
import { sameItems, useStore } from '../../model/store';
import type { Peer } from '../../model/presence';
import type { SessionRow } from '../../schema/types';
import { shortCount } from '../../ui/clock';
import { Face } from '../../ui/Face';
import { useTrans } from '../../ui/trans';
import { useBoardView } from '../view';

export interface CardFooterProps {
  readonly worktreeId: string;
  readonly rows: readonly SessionRow[];
}

function peopleAt(peers: readonly Peer[], worktreeId: string, rows: readonly SessionRow[]): readonly Peer[] {
  const here = peers.filter(
    peer => peer.selection.includes(worktreeId) || rows.some(row => row.id === peer.session)
  );
  return here.filter((peer, index) => here.findIndex(each => each.user.username === peer.user.username) === index);
}

export const CardFooter = memo(function CardFooter({ worktreeId, rows }: CardFooterProps): ReactElement | null {
  const trans = useTrans();
  const { doc } = useBoardView();
  const people = useStore(doc.presence.peers, peers => peopleAt(peers, worktreeId, rows), sameItems);
  const files = useStore(doc.worktrees, cards => cards.get(worktreeId)?.files_changed ?? 0);
  const tokens = rows.reduce((sum, row) => sum + row.tokens, 0);
  if (people.length === 0 && tokens === 0 && files === 0) {
    return null;
  }
  return (
    <footer className="jp-AgorCard-foot">
      {people.length > 0 && (
        <span className="jp-AgorFaces">
          {people.slice(0, 4).map(({ clientId, user }) => (
            <Face key={clientId} name={user.display_name} initials={user.initials} color={user.color} size={18} />
          ))}
        </span>
      )}
      {files > 0 && <span>{trans._n('%1 file changed', '%1 files changed', files)}</span>}
      {tokens > 0 && (
        <span title={trans._n('%1 token', '%1 tokens', tokens)}>{trans.__('%1 tokens', shortCount(tokens))}</span>
      )}
    </footer>
  );
});
