/** An agent's questions: choices as radio buttons or boxes, a free answer as a field. */
import type { ReactElement } from 'react';
import { useId, useState } from 'react';
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

type Answers = Readonly<Record<string, readonly string[]>>;

/** Nothing is inherited: a question may be called `constructor`. */
const NONE: Answers = Object.freeze(Object.create(null) as Answers);

export function QuestionForm({ questions, disabled, onAnswer, onDecline }: QuestionFormProps): ReactElement {
  const trans = useTrans();
  const [answers, setAnswers] = useState<Answers>(NONE);
  const complete = questions.every(({ question }) => (answers[question] ?? []).some(text => text.trim() !== ''));
  return (
    <form
      className="jp-AgorQuestions"
      onSubmit={event => {
        event.preventDefault();
        const flat = Object.entries(answers).map(([question, chosen]) => [question, chosen.join(', ')]);
        onAnswer({ option_id: null, answers: Object.fromEntries(flat) as Record<string, string> });
      }}
    >
      {questions.map(question => (
        <OneQuestion
          key={question.question}
          question={question}
          disabled={disabled}
          chosen={answers[question.question] ?? []}
          onChange={chosen => setAnswers(given => Object.assign(Object.create(null) as object, given, { [question.question]: chosen }))}
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
  readonly chosen: readonly string[];
  readonly disabled: boolean;
  readonly onChange: (chosen: readonly string[]) => void;
}

function OneQuestion({ question, chosen, disabled, onChange }: OneQuestionProps): ReactElement {
  const group = useId();
  const toggle = (choice: string, on: boolean): void => {
    const others = question.multiple ? chosen.filter(each => each !== choice) : [];
    onChange(on ? [...others, choice] : others);
  };
  return (
    <fieldset disabled={disabled}>
      <legend>{question.question}</legend>
      {question.choices.length === 0 ? (
        <input
          className="jp-mod-styled"
          aria-label={question.question}
          value={chosen[0] ?? ''}
          onChange={event => onChange([event.target.value])}
        />
      ) : (
        question.choices.map(choice => (
          <label key={choice}>
            <input
              type={question.multiple ? 'checkbox' : 'radio'}
              name={group}
              checked={chosen.includes(choice)}
              onChange={event => toggle(choice, event.target.checked)}
            />
            {choice}
          </label>
        ))
      )}
    </fieldset>
  );
}
