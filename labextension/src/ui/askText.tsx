/** Ask for words of several lines; the dialog stays until its act succeeds or somebody gives up. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import type { FieldsProps } from './formDialog';
import { askForm, Field } from './formDialog';

export interface TextQuestion<R> {
  readonly title: string;
  /** The button names the act. */
  readonly accept: string;
  readonly label: string;
  readonly before?: string;
  /** Do it. What it throws is shown in the dialog; the key names the attempt. */
  readonly attempt: (words: string, key: string) => Promise<R>;
  readonly trans: TranslationBundle;
}

interface Words {
  readonly words: string;
}

export function askText<R>({ title, accept, label, before = '', attempt, trans }: TextQuestion<R>): Promise<R | null> {
  return askForm<Words, R>({
    title,
    accept,
    initial: { words: before },
    fields: props => <WordsField {...props} label={label} />,
    attempt: ({ words }, key) => {
      if (words.trim() === '') {
        throw new Error(trans.__('Write something first.'));
      }
      return attempt(words.trim(), key);
    },
    trans
  });
}

function WordsField({ value, onChange, label }: FieldsProps<Words> & { readonly label: string }): ReactElement {
  return (
    <Field label={label}>
      <textarea
        className="jp-mod-styled"
        data-agor-first
        data-testid="agor-words"
        rows={5}
        value={value.words}
        onChange={event => onChange({ words: event.target.value })}
      />
    </Field>
  );
}
