/** What the agents of this card ask, one at a time, answered on the card. The board says who may answer; the server decides. */
import type { ReactElement } from 'react';
import { useState } from 'react';
import { CommandIds } from '../../domain/commandIds';
import { useStore } from '../../model/store';
import type { InboxItem } from '../../schema/types';
import type { GivenAnswer } from '../../ui/ApprovalBar';
import { ApprovalBar } from '../../ui/ApprovalBar';
import { useTrans } from '../../ui/trans';
import { useBoardView } from '../view';

export interface CardAskProps {
  /** At least one. */
  readonly items: readonly InboxItem[];
}

export function CardAsk({ items }: CardAskProps): ReactElement | null {
  const trans = useTrans();
  const { doc, workspace, commands } = useBoardView();
  const asked = [...items].sort((a, b) => a.at_ms - b.at_ms);
  // The one that is looked at stays, whatever is asked or answered besides it.
  const [looked, setLooked] = useState<string | null>(asked[0]?.id ?? null);
  const place = Math.max(0, asked.findIndex(each => each.id === looked));
  const item = asked[place];
  const title = useStore(doc.sessions, sessions => sessions.get(item?.session_id ?? '')?.title ?? '');
  if (item === undefined) {
    return null;
  }
  if (item.id !== looked) {
    setLooked(item.id);
  }
  const answer = async (given: GivenAnswer): Promise<void> => {
    await commands.execute(CommandIds.answerPermission, {
      request_id: item.id,
      digest: item.digest,
      option_id: given.option_id,
      message: given.message ?? '',
      answers: { ...given.answers }
    });
  };
  return (
    <>
      <ApprovalBar
        key={item.id}
        asked={item}
        where={title}
        compact
        disabled={!workspace.may('execute', 'agor:sessions')}
        onAnswer={answer}
      />
      {asked.length > 1 && (
        <Pager place={place} count={asked.length} onTurn={next => setLooked(asked[next]?.id ?? null)} label={trans.__('What is asked here')} />
      )}
    </>
  );
}

interface PagerProps {
  readonly label: string;
  readonly place: number;
  readonly count: number;
  readonly onTurn: (place: number) => void;
}

/** Steps through what is asked, round and round. */
function Pager({ label, place, count, onTurn }: PagerProps): ReactElement {
  const trans = useTrans();
  const step = (by: number, words: string, sign: string): ReactElement => (
    <button
      type="button"
      className="jp-AgorIconButton nodrag"
      aria-label={words}
      title={words}
      onClick={() => onTurn((place + by + count) % count)}
    >
      <span aria-hidden>{sign}</span>
    </button>
  );
  return (
    <div className="jp-AgorCard-pager nopan" role="group" aria-label={label} data-testid="agor-ask-pager">
      {step(-1, trans.__('The one before'), '‹')}
      <span aria-live="polite">{trans.__('%1 of %2 wait', place + 1, count)}</span>
      {step(1, trans.__('The next one'), '›')}
    </div>
  );
}
