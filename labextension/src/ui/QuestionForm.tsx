/** An agent's questions: choices as radio buttons or boxes with what they mean, one's own words as a field. */
import type { ReactElement } from 'react';
import { useEffect, useId, useRef, useState } from 'react';
import type { Question } from '../schema/types';
import type { GivenAnswer } from './ApprovalBar';
import { useTrans } from './trans';

export interface QuestionFormProps {
  readonly questions: readonly Question[];
  readonly disabled: boolean;
  readonly onAnswer: (answer: GivenAnswer) => void;
  /** Where a no is an answer too (an MCP server's form). */
  readonly onDecline?: () => void;
}

/** What is chosen of one question. The words are kept, but said only while `own` is chosen. */
interface Said {
  readonly chosen: readonly string[];
  readonly own: boolean;
  readonly words: string;
}

type Answers = Readonly<Record<string, Said>>;

/** Nothing is inherited: a question may be called `constructor`. */
const NONE: Answers = Object.freeze(Object.create(null) as Answers);
const NOTHING: Said = { chosen: [], own: false, words: '' };
/** The server takes no longer answer. */
const ANSWER_LIMIT = 20_000;

/** The parts of an answer; none of it counts while a field that was chosen is empty. */
function partsOf({ chosen, own, words }: Said): readonly string[] {
  if (!own) {
    return chosen;
  }
  return words.trim() === '' ? [] : [...chosen, words.trim()];
}

export function QuestionForm({ questions, disabled, onAnswer, onDecline }: QuestionFormProps): ReactElement {
  const trans = useTrans();
  const [answers, setAnswers] = useState<Answers>(NONE);
  const complete = questions.every(({ question }) => partsOf(answers[question] ?? NOTHING).length > 0);
  return (
    <form
      className="jp-AgorQuestions"
      onSubmit={event => {
        event.preventDefault();
        const flat = Object.entries(answers).map(([question, said]) => [question, partsOf(said).join(', ')]);
        onAnswer({ option_id: null, answers: Object.fromEntries(flat) as Record<string, string> });
      }}
    >
      {questions.map(question => (
        <OneQuestion
          key={question.question}
          question={question}
          disabled={disabled}
          said={answers[question.question] ?? NOTHING}
          onChange={said => setAnswers(given => Object.assign(Object.create(null) as object, given, { [question.question]: said }))}
        />
      ))}
      <button type="submit" className="jp-mod-styled jp-mod-accept" disabled={disabled || !complete}>
        {trans.__('Answer')}
      </button>
      {onDecline !== undefined && (
        <button type="button" className="jp-mod-styled jp-mod-reject" disabled={disabled} onClick={onDecline}>
          {trans.__('Decline')}
        </button>
      )}
    </form>
  );
}

interface OneQuestionProps {
  readonly question: Question;
  readonly said: Said;
  readonly disabled: boolean;
  readonly onChange: (said: Said) => void;
}

function OneQuestion({ question, said, disabled, onChange }: OneQuestionProps): ReactElement {
  const group = useId();
  const { choices, descriptions, multiple } = question;
  const toggle = (choice: string, on: boolean): void => {
    const others = multiple ? said.chosen.filter(each => each !== choice) : [];
    onChange({ ...said, chosen: on ? [...others, choice] : others, own: multiple && said.own });
  };
  return (
    <fieldset disabled={disabled}>
      <legend>{question.question}</legend>
      {choices.length === 0 ? (
        <Words label={question.question} words={said.words} onChange={words => onChange({ ...said, own: true, words })} />
      ) : (
        choices.map((choice, place) => (
          <Choice
            key={choice}
            group={group}
            multiple={multiple}
            words={choice}
            meaning={descriptions[place] ?? ''}
            checked={said.chosen.includes(choice)}
            onChange={on => toggle(choice, on)}
          />
        ))
      )}
      {choices.length > 0 && question.own && (
        <OwnWords question={question} group={group} said={said} onChange={onChange} />
      )}
    </fieldset>
  );
}

interface ChoiceProps {
  readonly group: string;
  readonly multiple: boolean;
  readonly words: string;
  readonly meaning: string;
  readonly checked: boolean;
  readonly onChange: (on: boolean) => void;
  readonly onPointer?: () => void;
}

/** It is called by its words alone; what it means is its description. */
function Choice({ group, multiple, words, meaning, checked, onChange, onPointer }: ChoiceProps): ReactElement {
  const id = useId();
  return (
    <label className="jp-AgorQuestions-choice">
      <input
        type={multiple ? 'checkbox' : 'radio'}
        name={group}
        checked={checked}
        aria-labelledby={`${id}-words`}
        {...(meaning !== '' && { 'aria-describedby': `${id}-meaning` })}
        onChange={event => onChange(event.target.checked)}
        // A click by keyboard has no detail: arrows pass through the choices and stay among them.
        onClick={event => event.detail > 0 && event.currentTarget.checked && onPointer?.()}
      />
      <span id={`${id}-words`} dir="auto">
        {words}
      </span>
      {meaning !== '' && (
        <span id={`${id}-meaning`} className="jp-AgorQuestions-meaning" dir="auto">
          {meaning}
        </span>
      )}
    </label>
  );
}

type OwnWordsProps = Pick<OneQuestionProps, 'question' | 'said' | 'onChange'> & Pick<ChoiceProps, 'group'>;

function OwnWords({ question, group, said, onChange }: OwnWordsProps): ReactElement {
  const trans = useTrans();
  const field = useRef<HTMLInputElement>(null);
  const pointed = useRef(false);
  useEffect(() => {
    if (pointed.current) {
      field.current?.focus();
    }
    pointed.current = false;
  }, [said.own]);
  return (
    <>
      <Choice
        group={group}
        multiple={question.multiple}
        words={trans.__('Something else…')}
        meaning=""
        checked={said.own}
        onChange={own => onChange({ ...said, own, chosen: question.multiple ? said.chosen : [] })}
        onPointer={() => (pointed.current = true)}
      />
      {said.own && (
        <Words
          field={field}
          label={trans.__('Your own answer: %1', question.question)}
          words={said.words}
          onChange={words => onChange({ ...said, words })}
        />
      )}
    </>
  );
}

interface WordsProps {
  readonly field?: React.RefObject<HTMLInputElement>;
  readonly label: string;
  readonly words: string;
  readonly onChange: (words: string) => void;
}

function Words({ field, label, words, onChange }: WordsProps): ReactElement {
  return (
    <input
      {...(field !== undefined && { ref: field })}
      className="jp-mod-styled"
      aria-label={label}
      value={words}
      maxLength={ANSWER_LIMIT}
      onChange={event => onChange(event.target.value)}
    />
  );
}
