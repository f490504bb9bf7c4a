/** One worktree as a card: its most urgent state, git's words, its sessions, what they ask, who is here. */
import type { Node, NodeProps } from '@xyflow/react';
import { Handle, Position } from '@xyflow/react';
import type { ReactElement } from 'react';
import { memo } from 'react';
import type { Glyph } from '../../domain/attention';
import { glyphOfTree, wordOf } from '../../domain/attention';
import { CommandIds } from '../../domain/commandIds';
import { useStore, useValue } from '../../model/store';
import type { InboxItem, SessionRow, WorktreeCard } from '../../schema/types';
import { branchIcon, moreIcon, plusIcon } from '../../ui/icons';
import { Counts } from '../../ui/Diff';
import { StatusDot } from '../../ui/StatusDot';
import { useTrans } from '../../ui/trans';
import { openCardMenu } from '../menu';
import type { CardData } from '../toNodes';
import { useBoardView } from '../view';
import { CardAsk } from './CardAsk';
import { CardFooter } from './CardFooter';
import { SessionRows, useNews } from './SessionRows';

const NONE: readonly never[] = [];

export const WorktreeNode = memo(function WorktreeNode({
  id,
  data,
  selected
}: NodeProps<Node<CardData>>): ReactElement | null {
  const { doc, band: bands } = useBoardView();
  const card = useStore(doc.worktrees, cards => cards.get(id));
  const rows = useNews(useStore(doc.rows, groups => groups.get(id) ?? NONE));
  const asked = useStore(doc.asked, groups => groups.get(id) ?? NONE);
  const band = useValue(bands);
  if (card === undefined) {
    return null;
  }
  const glyph = glyphOfTree(card.state, rows);
  return (
    <article
      className="jp-AgorCard"
      data-testid="agor-card"
      data-agor-worktree={id}
      data-agor-status={glyph}
      data-band={band}
      data-selected={selected}
    >
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <Handle type="source" position={Position.Right} isConnectable={false} />
      <div className="jp-AgorCard-full" aria-hidden={band !== 'full'}>
        <CardHead card={card} glyph={glyph} />
        {!data.collapsed && <CardBody card={card} rows={rows} asked={asked} />}
      </div>
      {band !== 'full' && <FarCard card={card} glyph={glyph} band={band} />}
    </article>
  );
});

function CardHead({ card, glyph }: { readonly card: WorktreeCard; readonly glyph: Glyph }): ReactElement {
  const trans = useTrans();
  const view = useBoardView();
  return (
    <div className="jp-AgorCard-head">
      <div className="jp-AgorCard-line1">
        <StatusDot glyph={glyph} size={18} />
        <span className="jp-AgorCard-name" title={`${card.repo} / ${card.name}`}>
          {card.name}
        </span>
        <button
          type="button"
          className="jp-AgorIconButton nodrag"
          aria-label={trans.__('Actions of %1', card.name)}
          data-testid="agor-card-menu"
          onClick={event => openCardMenu(view, card.id, event.currentTarget)}
        >
          <moreIcon.react tag="span" className="jp-AgorIcon" />
        </button>
      </div>
      <div className="jp-AgorCard-line2">
        <branchIcon.react tag="span" className="jp-AgorIcon" />
        <span className="jp-AgorCard-branch" title={`${card.branch} ← ${card.base}`}>
          {card.branch} <span aria-hidden>←</span> {card.base}
        </span>
        <LinkChip url={card.issue_url} label={trans.__('Issue')} sign="" />
        <LinkChip url={card.pull_request_url} label={trans.__('PR')} sign={trans.__('PR')} />
        <Counts added={card.lines_added} removed={card.lines_removed} />
      </div>
    </div>
  );
}

interface LinkChipProps {
  readonly url: string;
  readonly label: string;
  /** What stands before its number: the line is short. */
  readonly sign: string;
}

/** A chip for an address that a person typed: only the web's own schemes become a link. */
function LinkChip({ url, label, sign }: LinkChipProps): ReactElement | null {
  if (!/^https?:\/\//.test(url)) {
    return null;
  }
  const number = /(\d+)\/?$/.exec(url)?.[1];
  return (
    <a className="jp-AgorChip nodrag" href={url} target="_blank" rel="noreferrer noopener" title={`${label}: ${url}`}>
      {number === undefined ? label : `${sign} #${number}`.trim()}
    </a>
  );
}

interface CardBodyProps {
  readonly card: WorktreeCard;
  readonly rows: readonly SessionRow[];
  readonly asked: readonly InboxItem[];
}

function CardBody({ card, rows, asked }: CardBodyProps): ReactElement {
  const trans = useTrans();
  const view = useBoardView();
  const mayStart = view.workspace.may('execute', 'agor:sessions');
  return (
    <>
      {card.state !== 'ready' && (
        <p className="jp-AgorCard-state" data-state={card.state}>
          {card.detail === '' ? card.state : card.detail}
        </p>
      )}
      {rows.length > 0 && <SessionRows rows={rows} />}
      {rows.length === 0 && (
        <button
          type="button"
          className="jp-AgorCard-start nodrag"
          disabled={!mayStart || card.state !== 'ready'}
          data-testid="agor-card-start"
          onClick={() => view.run(CommandIds.createSession, { worktree_id: card.id })}
        >
          {mayStart && <plusIcon.react tag="span" className="jp-AgorIcon" />}
          {mayStart ? trans.__('Say what you want done here') : trans.__('No session yet')}
        </button>
      )}
      {asked.length > 0 && <CardAsk items={asked} />}
      <CardFooter worktreeId={card.id} rows={rows} />
    </>
  );
}

interface FarCardProps {
  readonly card: WorktreeCard;
  readonly glyph: Glyph;
  readonly band: 'name' | 'block';
}

/** Seen from afar: name and state, larger; from farther still a coloured block with a glyph. */
function FarCard({ card, glyph, band }: FarCardProps): ReactElement {
  const trans = useTrans();
  return (
    <div className="jp-AgorCard-far" title={`${card.name}: ${trans.__(wordOf(glyph))}`}>
      <StatusDot glyph={glyph} size={band === 'name' ? 32 : 72} />
      {band === 'name' && <span>{card.name}</span>}
    </div>
  );
}
