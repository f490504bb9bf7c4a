/**
 * What an agent asks, with all that is needed to answer it: on the card and at the foot of the panel.
 * It answers through `onAnswer` and never takes the focus; keys work only while the focus is inside.
 */
import type { KeyboardEvent, ReactElement } from 'react';
import { useState } from 'react';
import type { InboxItem, PermissionOption } from '../schema/types';
import { Diff } from './Diff';
import { QuestionForm } from './QuestionForm';
import { useTrans } from './trans';

/** The part of a request that both an InboxItem and a PermissionRequest have. */
export type Asked = Pick<
  InboxItem,
  'title' | 'description' | 'kind' | 'content' | 'options' | 'questions'
>;

export interface GivenAnswer {
  readonly option_id: string | null;
  readonly message?: string;
  readonly answers?: Readonly<Record<string, string>>;
}

export interface ApprovalBarProps {
  readonly asked: Asked;
  /** Where it is asked from, e.g. the session's title. */
  readonly where: string;
  readonly disabled?: boolean;
  /** On a card: short words on the buttons, the full ones in their tooltips. */
  readonly compact?: boolean;
  readonly onAnswer: (answer: GivenAnswer) => Promise<void>;
}

type Kind = PermissionOption['kind'];

const CLASSES: Partial<Record<Kind, string>> = { allow_once: 'jp-mod-accept', reject_once: 'jp-mod-reject' };
const KEYS: Partial<Record<Kind, string>> = {
  allow_once: 'Enter',
  allow_always: 'Shift+Enter',
  reject_once: 'Escape'
};

const ofKind = (options: readonly PermissionOption[], kind: Kind): PermissionOption | undefined =>
  options.find(option => option.kind === kind);

export function ApprovalBar(props: ApprovalBarProps): ReactElement {
  const { asked, where, disabled = false, compact = false, onAnswer } = props;
  const trans = useTrans();
  const [busy, setBusy] = useState(false);
  const [reason, setReason] = useState<string | null>(null);
  const answer = (given: GivenAnswer): void => {
    setBusy(true);
    // The bar goes away with the request; on a failure it stays and can be used again.
    onAnswer(given).finally(() => setBusy(false)).catch(() => {});
  };
  const choose = (option: PermissionOption | undefined): void => {
    if (option !== undefined && !busy && !disabled) {
      if (option.kind.startsWith('reject') && reason === null) {
        setReason('');
      } else {
        answer({ option_id: option.option_id, ...(reason === null ? {} : { message: reason }) });
      }
    }
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const kind = keyKind(event);
    if (kind !== null && asked.questions.length === 0) {
      event.preventDefault();
      event.stopPropagation();
      choose(ofKind(asked.options, kind));
    }
  };
  return (
    <section
      className="jp-AgorAsk nodrag nopan nowheel"
      aria-label={trans.__('%1 asks: %2', where, asked.title)}
      data-testid="agor-approval"
      onKeyDown={onKeyDown}
    >
      <AskedWords asked={asked} where={where} />
      {asked.questions.length > 0 ? (
        <QuestionForm questions={asked.questions} disabled={busy || disabled} onAnswer={answer} />
      ) : reason === null ? (
        <OptionButtons options={asked.options} disabled={busy || disabled} compact={compact} onChoose={choose} />
      ) : (
        <ReasonForm
          busy={busy}
          onBack={() => setReason(null)}
          onSend={message => answer({ option_id: ofKind(asked.options, 'reject_once')?.option_id ?? null, message })}
        />
      )}
    </section>
  );
}

interface OptionButtonsProps {
  readonly options: readonly PermissionOption[];
  readonly disabled: boolean;
  readonly compact: boolean;
  readonly onChoose: (option: PermissionOption) => void;
}

function OptionButtons({ options, disabled, compact, onChoose }: OptionButtonsProps): ReactElement {
  const trans = useTrans();
  // The same words whatever the agent calls them; its own stand in the tooltip.
  const words: Record<Kind, string> = {
    allow_once: trans.__('Allow once'),
    allow_always: compact ? trans.__('Always') : trans.__('Always for this session'),
    reject_once: trans.__('Reject…'),
    reject_always: trans.__('Never…')
  };
  return (
    <div className="jp-AgorAsk-buttons">
      {options.map(option => {
        const key = KEYS[option.kind];
        return (
          <button
            key={option.option_id}
            type="button"
            className={`jp-mod-styled ${CLASSES[option.kind] ?? ''}`}
            disabled={disabled}
            title={key === undefined ? option.name : `${option.name} (${key})`}
            data-agor-option={option.kind}
            onClick={() => onChoose(option)}
          >
            {words[option.kind]}
          </button>
        );
      })}
    </div>
  );
}

/** A key answers only from a button or the bar itself: who types in a field is typing. */
function keyKind(event: KeyboardEvent): Kind | null {
  const target = event.target as HTMLElement;
  if (target.closest('input, textarea, button, [contenteditable]') !== null && event.key !== 'Escape') {
    return null;
  }
  if (event.key === 'Enter') {
    return event.shiftKey ? 'allow_always' : 'allow_once';
  }
  return event.key === 'Escape' && target.closest('input, textarea') === null ? 'reject_once' : null;
}

function AskedWords({ asked, where }: Pick<ApprovalBarProps, 'asked' | 'where'>): ReactElement {
  return (
    <>
      <div className="jp-AgorAsk-title">
        <strong title={asked.title}>{asked.title}</strong>
        <span title={where}>{where}</span>
      </div>
      {asked.description !== '' && <p className="jp-AgorAsk-why">{asked.description}</p>}
      {asked.content.map((content, index) =>
        content.type === 'diff' ? (
          <Diff
            key={index}
            path={content.path}
            oldText={content.old_text}
            newText={content.new_text}
            context={2}
            maxLines={80}
          />
        ) : (
          <pre key={index} className="jp-AgorAsk-code" tabIndex={0}>
            {content.text}
          </pre>
        )
      )}
    </>
  );
}

interface ReasonFormProps {
  readonly busy: boolean;
  readonly onBack: () => void;
  readonly onSend: (message: string) => void;
}

function ReasonForm({ busy, onBack, onSend }: ReasonFormProps): ReactElement {
  const trans = useTrans();
  const [text, setText] = useState('');
  return (
    <form
      className="jp-AgorAsk-reason"
      onSubmit={event => {
        event.preventDefault();
        onSend(text);
      }}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          onBack();
        }
      }}
    >
      <input
        autoFocus
        className="jp-mod-styled"
        value={text}
        disabled={busy}
        aria-label={trans.__('Why not, and what instead?')}
        placeholder={trans.__('Why not, and what instead? (optional)')}
        onChange={event => setText(event.target.value)}
      />
      <button type="submit" className="jp-mod-styled jp-mod-warn" disabled={busy}>
        {trans.__('Reject')}
      </button>
      <button type="button" className="jp-mod-styled" disabled={busy} onClick={onBack}>
        {trans.__('Back')}
      </button>
    </form>
  );
}
