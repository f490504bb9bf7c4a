/**
 * A file that a repository brings along, read where one decides about it: as text, for reading alone. An
 * editor would stand behind the dialog, and its preview would hide what Markdown does not show.
 */
import type { ReactElement } from 'react';
import { useRef, useState } from 'react';
import { toProblem } from '../../api/problem';
import { withMarks } from '../../domain/unseen';
import type { TrustItem } from '../../schema/types';
import { useTrans } from '../../ui/trans';

const MOST_SHOWN = 100_000;

/** Give the text of a file by what JupyterLab calls it. Throws where it shows none. */
export type ReadFile = (path: string) => Promise<string>;

export interface TrustedFileProps {
  readonly item: TrustItem;
  readonly read: ReadFile;
}

/** The name of the file, as a button where it can be read, and its text beneath it. */
export function TrustedFile({ item, read }: TrustedFileProps): ReactElement {
  const trans = useTrans();
  const [open, setOpen] = useState(false);
  const [texts, setTexts] = useState<readonly string[] | null>(null);
  const looks = useRef(0);
  if (item.lab_paths.length === 0) {
    return <code>{item.path}</code>;
  }
  const toggle = (): void => {
    setOpen(!open);
    if (!open) {
      setTexts(null); // it may have changed since it was looked at last
      const look = ++looks.current;
      void Promise.all(item.lab_paths.map(path => read(path).catch(said))).then(found => look === looks.current && setTexts(found));
    }
  };
  return (
    <>
      <button
        type="button"
        className="jp-AgorLink"
        aria-expanded={open}
        title={open ? trans.__('Close the file') : trans.__('Read the file')}
        onClick={toggle}
      >
        <code>{item.path}</code>
      </button>
      {open && (
        <div className="jp-AgorTrust-files" data-testid="agor-trusted-file" aria-busy={texts === null}>
          {texts === null
            ? trans.__('Loading')
            : item.lab_paths.map((path, at) => <Text key={path} path={path} text={texts[at] ?? ''} named={texts.length > 1} />)}
        </div>
      )}
    </>
  );
}

const said = (error: unknown): string => toProblem(error).detail;

/** One checkout's text of it; `named` where others have another one. */
function Text({ path, text, named }: { readonly path: string; readonly text: string; readonly named: boolean }): ReactElement {
  const trans = useTrans();
  const left = text.length - MOST_SHOWN;
  return (
    <>
      {named && <small>{path}</small>}
      <pre tabIndex={0} aria-label={path}>
        {withMarks(text.slice(0, MOST_SHOWN))}
      </pre>
      {left > 0 && <small>{trans._n('%1 more character is not shown here.', '%1 more characters are not shown here.', left)}</small>}
    </>
  );
}
