/**
 * A dialog with a form that stays until its act succeeds or somebody gives up. A refusal is said in the
 * form, beside what was typed; the same attempt repeated after a lost answer carries the same key.
 */
import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { UUID } from '@lumino/coreutils';
import type { InputHTMLAttributes, ReactElement } from 'react';
import { useLayoutEffect, useRef, useState } from 'react';
import { Coded } from './Coded';
import type { Tellable } from './notify';
import { TransContext } from './trans';

export interface FieldsProps<T> {
  readonly value: T;
  readonly onChange: (changes: Partial<T>) => void;
}

export interface FormOptions<T, R> {
  readonly title: string;
  /** The button names the act, e.g. "Make worktree". */
  readonly accept: string;
  readonly initial: T;
  readonly fields: (props: FieldsProps<T>) => ReactElement;
  /** Do it. What it throws is shown in the form. */
  readonly attempt: (value: T, key: string) => Promise<R>;
  readonly trans: TranslationBundle;
}

/** Ask until it works; null when somebody gave up. */
export async function askForm<T extends object, R>(options: FormOptions<T, R>): Promise<R | null> {
  const { trans } = options;
  let value = options.initial;
  let problem: Tellable | null = null;
  let key = UUID.uuid4();
  for (;;) {
    const body: FormBody<T> = new FormBody<T>(value, problem, options.fields, trans);
    const dialog = new Dialog<T>({
      title: options.title,
      body,
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.okButton({ label: options.accept })
      ],
      focusNodeSelector: '[data-agor-first]'
    });
    dialog.addClass('jp-AgorDialog');
    submitByKey(body.node, () => dialog.resolve());
    const result = await launchDialog(dialog);
    if (!result.button.accept || result.value === null) {
      return null;
    }
    value = result.value;
    try {
      return await options.attempt(value, key);
    } catch (error) {
      problem = error as Tellable;
      // Whether an attempt without an answer was carried out is not known: the key makes it once.
      key = (error as { status?: number }).status === 0 ? key : UUID.uuid4();
    }
  }
}

/** Let Ctrl+Enter (Cmd+Enter) accept from any field: a plain Enter in a text is a new line. */
function submitByKey(node: HTMLElement, submit: () => void): void {
  node.addEventListener('keydown', event => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      submit();
    }
  });
}

const KEY_MS = 100;

/**
 * Launch a dialog. As it closes it gives the focus back to the button that opened it, and the browser
 * then hands that button the very Enter that closed the dialog: it must not open it again.
 */
export async function launchDialog<T>(dialog: Dialog<T>): Promise<Dialog.IResult<T>> {
  const opener = document.activeElement;
  const result = await dialog.launch();
  const swallow = (event: Event): void => {
    event.preventDefault();
    event.stopPropagation();
  };
  if (opener !== document.body) {
    opener?.addEventListener('click', swallow, true); // on the body it would swallow every click
    setTimeout(() => opener?.removeEventListener('click', swallow, true), KEY_MS);
  }
  return result;
}

class FormBody<T extends object> extends ReactWidget {
  constructor(
    private value: T,
    private readonly problem: Tellable | null,
    private readonly fields: FormOptions<T, unknown>['fields'],
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-AgorForm');
  }

  getValue(): T {
    return this.value;
  }

  protected override render(): React.JSX.Element {
    return (
      <TransContext.Provider value={this.trans}>
        <Form
          initial={this.value}
          problem={this.problem}
          fields={this.fields}
          onValue={value => {
            this.value = value;
          }}
        />
      </TransContext.Provider>
    );
  }
}

interface FormProps<T> {
  readonly initial: T;
  readonly problem: Tellable | null;
  readonly fields: FormOptions<T, unknown>['fields'];
  readonly onValue: (value: T) => void;
}

function Form<T extends object>({ initial, problem, fields: Fields, onValue }: FormProps<T>): ReactElement {
  const [value, setValue] = useState(initial);
  const top = useRef<HTMLSpanElement>(null);
  // The dialog does this too, but only if React has drawn the form by then.
  useLayoutEffect(() => {
    top.current?.parentElement?.querySelector<HTMLElement>('[data-agor-first]')?.focus();
  }, []);
  return (
    <>
      <span ref={top} hidden />
      {problem !== null && (
        <div className="jp-AgorForm-problem" role="alert">
          <strong>{problem.detail ?? problem.message}</strong>
          {problem.hint !== undefined && problem.hint !== '' && <span>{problem.hint}</span>}
        </div>
      )}
      <Fields
        value={value}
        onChange={changes => {
          const next = { ...value, ...changes };
          setValue(next);
          onValue(next);
        }}
      />
    </>
  );
}

export interface FieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly children: ReactElement;
}

/** A labelled control with a word of help under it. */
export function Field({ label, hint, children }: FieldProps): ReactElement {
  return (
    <label className="jp-AgorField">
      <span>{label}</span>
      {children}
      {hint !== undefined && hint !== '' && (
        <small>
          <Coded text={hint} />
        </small>
      )}
    </label>
  );
}

export interface TextFieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange'> {
  readonly label: string;
  readonly hint?: string;
  readonly onText: (text: string) => void;
}

/** A field of one line. All else that an input takes is passed on. */
export function TextField({ label, hint = '', onText, ...input }: TextFieldProps): ReactElement {
  return (
    <Field label={label} hint={hint}>
      <input {...input} className="jp-mod-styled" onChange={event => onText(event.target.value)} />
    </Field>
  );
}
