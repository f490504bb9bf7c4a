/** A card's session tree: one row a session, the running one with its last words. */
import type { ReactElement } from 'react';
import { memo, useMemo } from 'react';
import { glyphOf } from '../../domain/attention';
import { CommandIds } from '../../domain/commandIds';
import { toTree } from '../../domain/genealogy';
import { isWorking } from '../../domain/lifecycle';
import { plainLine } from '../../domain/plainLine';
import { markNews, newsOf } from '../../model/news';
import { sameItems, useStore } from '../../model/store';
import type { SessionRow } from '../../schema/types';
import { Ago } from '../../ui/Ago';
import { agentIcon } from '../../ui/icons';
import { StatusDot } from '../../ui/StatusDot';
import { useTrans } from '../../ui/trans';
import { useBoardView } from '../view';

const WRONG: ReadonlySet<string> = new Set(['failed', 'lost']);
/** How many rows a card shows before it says how many more there are. */
const MOST_ROWS = 6;

/** Mark the sessions of this person whose end they have not seen. */
export function useNews(rows: readonly SessionRow[]): readonly SessionRow[] {
  const { workspace } = useBoardView();
  const me = useStore(workspace.me, each => each?.person.id);
  const news = useStore(workspace.seen, () => newsOf(rows, me, workspace.seen), sameItems);
  return useMemo(() => markNews(rows, news), [rows, news]);
}

export const SessionRows = memo(function SessionRows({ rows }: { readonly rows: readonly SessionRow[] }) {
  const trans = useTrans();
  const tree = useMemo(() => toTree(rows.filter(row => row.status !== 'archived')), [rows]);
  const hidden = tree.length - MOST_ROWS;
  return (
    <ul className="jp-AgorRows" aria-label={trans.__('Sessions')}>
      {tree.slice(0, MOST_ROWS).map(({ session, depth }) => (
        <Row key={session.id} row={session} depth={depth} />
      ))}
      {hidden > 0 && <li className="jp-AgorRows-more">{trans._n('%1 more session', '%1 more sessions', hidden)}</li>}
    </ul>
  );
});

interface RowProps {
  readonly row: SessionRow;
  readonly depth: number;
}

const Row = memo(function Row({ row, depth }: RowProps): ReactElement {
  const trans = useTrans();
  const view = useBoardView();
  const owner = row.owner === view.workspace.me.get()?.person.id ? '' : row.owner_name || row.owner;
  const open = (): void => view.run(CommandIds.openSession, { session_id: row.id });
  return (
    <li className="jp-AgorRow" style={{ paddingLeft: depth * 12 }} data-depth={depth} data-genealogy={row.genealogy}>
      <button
        type="button"
        className="jp-AgorRow-line nodrag"
        data-testid="agor-session-row"
        data-agor-session={row.id}
        title={trans.__('%1\nDouble-click or Enter opens the conversation.', row.title)}
        onDoubleClick={event => {
          event.stopPropagation();
          open();
        }}
        onKeyDown={event => {
          if (event.key === 'Enter') {
            event.stopPropagation();
            event.preventDefault();
            open();
          }
        }}
      >
        <StatusDot glyph={glyphOf(row)} />
        <agentIcon.react tag="span" className="jp-AgorIcon" title={row.agent} />
        <span className="jp-AgorRow-title" dir="auto">{row.title === '' ? trans.__('Untitled') : row.title}</span>
        {row.queued > 0 && (
          <span className="jp-AgorChip" title={trans._n('%1 prompt waits', '%1 prompts wait', row.queued)}>
            +{row.queued}
          </span>
        )}
        {owner !== '' && <span className="jp-AgorRow-who">{owner}</span>}
        <Ago atMs={row.updated_ms} />
      </button>
      {isWorking(row.status) && <LastWords row={row} />}
      {WRONG.has(row.status) && <Trouble row={row} />}
      {row.status === 'queued' && row.waits !== '' && (
        <div className="jp-AgorRow-words" title={row.waits} data-testid="agor-row-waits">
          {trans.__('Waits: %1', row.waits)}
        </div>
      )}
    </li>
  );
});

/** What went wrong, in one line: the conversation has the whole of it and the next step. */
const Trouble = memo(function Trouble({ row }: { readonly row: SessionRow }): ReactElement | null {
  const { workspace } = useBoardView();
  const error = useStore(workspace.sessions, sessions => sessions.get(row.id)?.error ?? '');
  return error === '' ? null : (
    <div className="jp-AgorRow-words" dir="auto" title={error}>
      {error}
    </div>
  );
});

/** What was said last. It comes by the event stream: words in the document would make it grow for ever. */
const LastWords = memo(function LastWords({ row }: { readonly row: SessionRow }): ReactElement | null {
  const { workspace } = useBoardView();
  const words = useStore(workspace.sessions, sessions => plainLine(sessions.get(row.id)?.last_words ?? row.last_words));
  if (words.trim() === '' && row.status !== 'running') {
    return null;
  }
  return (
    <div className="jp-AgorRow-words" dir="auto" aria-hidden>
      {words.trim() === '' ? '\u00a0' : words}
    </div>
  );
});
