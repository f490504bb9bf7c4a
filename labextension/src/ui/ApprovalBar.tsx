/**
 * What an agent asks, with all that is needed to answer it: on the card and at the foot of the panel.
 * It answers through `onAnswer` and never takes the focus: somebody may write elsewhere. Keys work while the
 * focus is inside, on the bar itself or on a part of it that is not typed in.
 */
import type { KeyboardEvent, ReactElement } from 'react';
import { useEffect, useRef, useState } from 'react';
import { ofKind, ownNames } from '../domain/options';
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
  /** Who asks, where that is not said by `where`. */
  readonly asker?: string;
  readonly disabled?: boolean;
  /** On a card: short words on the buttons, the full ones in their tooltips. */
  readonly compact?: boolean;
  readonly onAnswer: (answer: GivenAnswer) => Promise<void>;
}

type Kind = PermissionOption['kind'];

/** So many characters of a reason fit without a scroll bar. */
const LONG = 200;

const CLASSES: Partial<Record<Kind, string>> = { allow_once: 'jp-mod-accept', reject_once: 'jp-mod-reject' };
const KEYS: Partial<Record<Kind, string>> = {
  allow_once: 'Enter',
  allow_always: 'Shift+Enter',
  reject_once: 'Escape'
};

export function ApprovalBar(props: ApprovalBarProps): ReactElement {
  const { asked, where, asker = where, disabled = false, compact = false, onAnswer } = props;
  const trans = useTrans();
  const [busy, setBusy] = useState(false);
  const [rejecting, setRejecting] = useState<PermissionOption | null>(null);
  const bar = useReturnedFocus(rejecting === null);
  const answer = (given: GivenAnswer): void => {
    setBusy(true);
    // The bar goes away with the request; on a failure it stays and can be used again.
    onAnswer(given).finally(() => setBusy(false)).catch(() => {});
  };
  const declining = asked.questions.length > 0 ? ofKind(asked.options, 'reject_once') : undefined;
  const choose = (option: PermissionOption | undefined): void => {
    if (option !== undefined && !busy && !disabled) {
      if (option.kind.startsWith('reject')) {
        setRejecting(option);
      } else {
        answer({ option_id: option.option_id });
      }
    }
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const kind = keyKind(event);
    if (kind !== null && asked.questions.length === 0 && rejecting === null) {
      event.preventDefault();
      event.stopPropagation();
      choose(ofKind(asked.options, kind));
    }
  };
  return (
    <section
      ref={bar}
      className="jp-AgorAsk nodrag nopan nowheel"
      tabIndex={0}
      aria-label={trans.__('%1 asks: %2', asker, asked.title)}
      data-testid="agor-approval"
      onKeyDown={onKeyDown}
    >
      <AskedWords asked={asked} where={where} />
      {asked.questions.length > 0 ? (
        <QuestionForm
          questions={asked.questions}
          disabled={busy || disabled}
          onAnswer={answer}
          {...(declining !== undefined && { onDecline: () => answer({ option_id: declining.option_id }) })}
        />
      ) : rejecting === null ? (
        <OptionButtons asked={asked} disabled={busy || disabled} compact={compact} onChoose={choose} />
      ) : (
        <ReasonForm
          act={ownNames(asked) ? rejecting.name : trans.__('Reject')}
          busy={busy}
          onBack={() => setRejecting(null)}
          onSend={message => answer({ option_id: rejecting.option_id, message })}
        />
      )}
    </section>
  );
}

interface OptionButtonsProps {
  readonly asked: Pick<Asked, 'kind' | 'options'>;
  readonly disabled: boolean;
  readonly compact: boolean;
  readonly onChoose: (option: PermissionOption) => void;
}

function OptionButtons({ asked, disabled, compact, onChoose }: OptionButtonsProps): ReactElement {
  const trans = useTrans();
  const { options } = asked;
  const own = ownNames(asked);
  // The same words whatever the agent calls them, as long as they tell the options apart.
  const words: Record<Kind, string> = {
    allow_once: trans.__('Allow once'),
    allow_always: compact ? trans.__('Always') : trans.__('Always for this session'),
    reject_once: trans.__('Reject…'),
    reject_always: trans.__('Never…')
  };
  return (
    <div className="jp-AgorAsk-buttons">
      {options.map(option => {
        // Of two of a kind the first is what the key chooses.
        const first = ofKind(options, option.kind) === option;
        const key = first ? KEYS[option.kind] : undefined;
        return (
          <button
            key={option.option_id}
            type="button"
            className={`jp-mod-styled ${first ? (CLASSES[option.kind] ?? '') : ''}`}
            disabled={disabled}
            title={key === undefined ? option.name : `${option.name} (${key})`}
            data-agor-option={option.kind}
            onClick={() => onChoose(option)}
          >
            {own ? ownWords(option) : words[option.kind]}
          </button>
        );
      })}
    </div>
  );
}

/** What rejects asks for a reason first, and says so as everywhere. */
function ownWords({ name, kind }: PermissionOption): string {
  return kind.startsWith('reject') ? `${name}…` : name;
}

/** Give the bar the focus back when the field for a reason, which had it, goes away. */
function useReturnedFocus(closed: boolean): React.RefObject<HTMLElement> {
  const bar = useRef<HTMLElement>(null);
  const wasClosed = useRef(closed);
  useEffect(() => {
    if (closed && !wasClosed.current && document.activeElement === document.body) {
      bar.current?.focus();
    }
    wasClosed.current = closed;
  }, [closed]);
  return bar;
}

/**
 * Say what a key answers, from the bar or a button of it: who types in a field is typing. Enter on a button
 * is that button's own; with Shift it is *Always* from a button that allows, and from no other.
 */
export function keyKind(event: Pick<KeyboardEvent, Pressed>): Kind | null {
  const target = event.target as HTMLElement;
  const typed = target.closest('input, textarea, select, [contenteditable]') !== null;
  if (typed || event.ctrlKey || event.altKey || event.metaKey || event.repeat) {
    return null;
  }
  if (event.key === 'Escape') {
    return 'reject_once';
  }
  if (event.key !== 'Enter') {
    return null;
  }
  const button = target.closest<HTMLElement>('button, a');
  if (button !== null && !(event.shiftKey && button.dataset['agorOption']?.startsWith('allow') === true)) {
    return null;
  }
  return event.shiftKey ? 'allow_always' : 'allow_once';
}

type Pressed = 'target' | 'key' | 'shiftKey' | 'ctrlKey' | 'altKey' | 'metaKey' | 'repeat';

function AskedWords({ asked, where }: Pick<ApprovalBarProps, 'asked' | 'where'>): ReactElement {
  return (
    <>
      <div className="jp-AgorAsk-title">
        <strong title={asked.title}>{asked.title}</strong>
        <span title={where}>{where}</span>
      </div>
      {asked.description !== '' && (
        // A plan may be long: then it scrolls, by keyboard too.
        <p className="jp-AgorAsk-why" {...(asked.description.length > LONG ? { tabIndex: 0 } : {})}>
          {asked.description}
        </p>
      )}
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
  /** The button's words. */
  readonly act: string;
  readonly busy: boolean;
  readonly onBack: () => void;
  readonly onSend: (message: string) => void;
}

function ReasonForm({ act, busy, onBack, onSend }: ReasonFormProps): ReactElement {
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
        {act}
      </button>
      <button type="button" className="jp-mod-styled" disabled={busy} onClick={onBack}>
        {trans.__('Back')}
      </button>
    </form>
  );
}
