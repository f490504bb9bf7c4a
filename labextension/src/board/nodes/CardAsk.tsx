/** What an agent of this card asks, answered on the card. The board says who may answer; the server decides. */
import type { ReactElement } from 'react';
import { CommandIds } from '../../domain/commandIds';
import { useStore } from '../../model/store';
import type { InboxItem } from '../../schema/types';
import type { GivenAnswer } from '../../ui/ApprovalBar';
import { ApprovalBar } from '../../ui/ApprovalBar';
import { useTrans } from '../../ui/trans';
import { useBoardView } from '../view';

export interface CardAskProps {
  readonly item: InboxItem;
  readonly more: number;
}

export function CardAsk({ item, more }: CardAskProps): ReactElement {
  const trans = useTrans();
  const { doc, workspace, commands } = useBoardView();
  const title = useStore(doc.sessions, sessions => sessions.get(item.session_id)?.title ?? '');
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
        asked={item}
        where={title}
        compact
        disabled={!workspace.may('execute', 'agor:sessions')}
        onAnswer={answer}
      />
      {more > 0 && (
        <p className="jp-AgorCard-moreAsked">{trans._n('and %1 more question', 'and %1 more questions', more)}</p>
      )}
    </>
  );
}
