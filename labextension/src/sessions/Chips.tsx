/** Files that go with the prompt, each with a way to take it off again; and the button that adds some. */
import type { ReactElement } from 'react';
import { useRef } from 'react';
import { attachIcon } from '../ui/icons';
import { useTrans } from '../ui/trans';
import { sizeOf, whyNot } from './attachments';
import type { Draft } from './useDraft';
import { useAgent } from './view';

export function Chips({ draft }: { readonly draft: Draft }): ReactElement | null {
  const trans = useTrans();
  if (draft.files.length === 0) {
    return null;
  }
  return (
    <ul className="jp-AgorChips" aria-label={trans.__('Attached files')}>
      {draft.files.map((file, index) => (
        <li key={`${index} ${file.name}`} className="jp-AgorChip" data-testid="agor-attached">
          {file.media_type.startsWith('image/') && (
            <img alt="" src={`data:${file.media_type};base64,${file.data}`} />
          )}
          <span title={file.name}>{file.name}</span>
          <small>{kilobytes(sizeOf(file))}</small>
          <button
            type="button"
            className="jp-AgorIconButton"
            aria-label={trans.__('Take off %1', file.name)}
            title={trans.__('Take off')}
            onClick={() => draft.removeFile(file)}
          >
            ✕
          </button>
        </li>
      ))}
    </ul>
  );
}

const kilobytes = (bytes: number): string => `${Math.max(1, Math.round(bytes / 1024))} kB`;

export interface AttachButtonProps {
  readonly draft: Draft;
  readonly disabled: boolean;
}

/** Greyed with the reason where the agent takes neither pictures nor files. */
export function AttachButton({ draft, disabled }: AttachButtonProps): ReactElement {
  const trans = useTrans();
  const agent = useAgent();
  const picker = useRef<HTMLInputElement>(null);
  const [pictures, files] = [whyNot('images', agent, trans), whyNot('files', agent, trans)];
  const reason = pictures !== null && files !== null ? `${pictures} ${files}` : null;
  return (
    <>
      <button
        type="button"
        className="jp-AgorIconButton jp-AgorAttach"
        // A disabled button shows no tooltip and takes no focus: the reason must be found.
        aria-disabled={disabled || reason !== null}
        aria-label={trans.__('Attach files')}
        title={reason ?? trans.__('Attach files: also dropped or pasted here')}
        data-testid="agor-attach"
        onClick={() => !disabled && reason === null && picker.current?.click()}
      >
        <attachIcon.react tag="span" className="jp-AgorIcon" />
      </button>
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        data-testid="agor-files"
        onChange={event => {
          void draft.addFiles([...(event.target.files ?? [])]);
          event.target.value = ''; // the same file may be chosen again
        }}
      />
    </>
  );
}
