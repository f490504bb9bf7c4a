/** Ask for one's extra variables for an agent: lines of `NAME=value`, and no secrets. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import type { OwnThings } from '../../model/ownThings';
import type { FieldsProps } from '../../ui/formDialog';
import { askForm, Field } from '../../ui/formDialog';
import { useTrans } from '../../ui/trans';

interface Lines {
  readonly lines: string;
}

export async function askVariables(
  own: OwnThings,
  kind: string,
  title: string,
  trans: TranslationBundle
): Promise<boolean> {
  const done = await askForm<Lines, true>({
    title: trans.__('Your variables for %1', title),
    accept: trans.__('Save'),
    initial: { lines: own.variablesOf(kind) },
    fields: LinesField,
    attempt: async ({ lines }) => {
      await own.keepVariables(kind, lines);
      return true;
    },
    trans
  });
  return done === true;
}

function LinesField({ value, onChange }: FieldsProps<Lines>): ReactElement {
  const trans = useTrans();
  return (
    <Field
      label={trans.__('Variables, one a line')}
      hint={trans.__('Your own sessions get them from the agent’s next start on. No secrets: those are keys.')}
    >
      <textarea
        className="jp-mod-styled"
        data-agor-first
        data-testid="agor-variables"
        rows={5}
        spellCheck={false}
        placeholder="MY_SETTING=1"
        value={value.lines}
        onChange={event => onChange({ lines: event.target.value })}
      />
    </Field>
  );
}
