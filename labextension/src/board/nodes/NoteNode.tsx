/** A note on the board: paper until it is selected; a double-click or Enter writes on it. */
import type { Node, NodeProps } from '@xyflow/react';
import { NodeResizer } from '@xyflow/react';
import type { CSSProperties, ReactElement } from 'react';
import { memo } from 'react';
import { useStore } from '../../model/store';
import { useTrans } from '../../ui/trans';
import { useBoardView } from '../view';

export const NoteNode = memo(function NoteNode({ id, selected }: NodeProps<Node>): ReactElement | null {
  const trans = useTrans();
  const view = useBoardView();
  const note = useStore(view.doc.notes, notes => notes.get(id));
  const editing = useStore(view.writing, written => written === id);
  if (note === undefined) {
    return null;
  }
  const finish = (text: string): void => {
    view.writing.set(null);
    if (text !== note.text) {
      view.doc.change([{ kind: 'notes', id, fields: { text } }]);
    }
  };
  return (
    <div
      className="jp-AgorNote"
      style={{ '--jp-agor-hue': note.hue } as CSSProperties}
      data-testid="agor-note"
      data-selected={selected}
      onDoubleClick={() => {
        if (view.canWrite) {
          view.write(id);
        }
      }}
    >
      <NodeResizer
        isVisible={selected && view.canWrite}
        minWidth={120}
        minHeight={80}
        onResizeEnd={(_, { x, y, width, height }) =>
          view.doc.change([
            {
              kind: 'notes',
              id,
              fields: { pos: [Math.round(x), Math.round(y)], size: [Math.round(width), Math.round(height)] }
            }
          ])
        }
      />
      {editing ? (
        <textarea
          autoFocus
          className="nodrag nopan nowheel"
          aria-label={trans.__('Text of the note')}
          defaultValue={note.text}
          onBlur={event => finish(event.target.value)}
          onKeyDown={event => {
            event.stopPropagation();
            if (event.key === 'Escape') {
              event.currentTarget.blur();
            }
          }}
        />
      ) : (
        <p dir="auto">{note.text === '' ? trans.__('Double-click to write') : note.text}</p>
      )}
    </div>
  );
});
