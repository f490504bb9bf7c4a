/** A question may be called as what every object has. */
import { renderToString } from 'react-dom/server';
import { expect, it } from 'vitest';
import { QuestionForm } from '../QuestionForm';

it.each(['constructor', '__proto__', 'toString'])('asks %s', question => {
  const asked = [{ question, header: '', choices: [], multiple: false }];
  expect(renderToString(<QuestionForm questions={asked} disabled={false} onAnswer={() => {}} />)).toContain(question);
});
