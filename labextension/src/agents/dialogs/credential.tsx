/** Ask for a secret: written once, sent once, shown by nothing. It is no argument of any command. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import type { Http } from '../../api/http';
import { setCredential } from '../../api/own';
import type { FieldsProps } from '../../ui/formDialog';
import { askForm, Field } from '../../ui/formDialog';
import { useTrans } from '../../ui/trans';

interface Secret {
  readonly value: string;
}

/** Give true when it was set. */
export async function askCredential(http: Http, name: string, trans: TranslationBundle): Promise<boolean> {
  const done = await askForm<Secret, true>({
    title: trans.__('Set %1', name),
    accept: trans.__('Set'),
    initial: { value: '' },
    fields: SecretField,
    attempt: async ({ value }) => {
      await setCredential(http, name, value);
      return true;
    },
    trans
  });
  return done === true;
}

function SecretField({ value, onChange }: FieldsProps<Secret>): ReactElement {
  const trans = useTrans();
  return (
    <Field
      label={trans.__('Value')}
      hint={trans.__('Your own sessions get it from their agent’s next start on. It cannot be read again here.')}
    >
      <input
        className="jp-mod-styled"
        type="password"
        // Browsers keep no password for it: what they keep, others may fill in.
        autoComplete="new-password"
        spellCheck={false}
        data-agor-first
        data-testid="agor-credential-value"
        value={value.value}
        onChange={event => onChange({ value: event.target.value })}
      />
    </Field>
  );
}
