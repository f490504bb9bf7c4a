/** A soft labelled area. It is dragged by its name, so that its ground pans the board. */
import type { Node, NodeProps } from '@xyflow/react';
import { NodeResizer } from '@xyflow/react';
import type { CSSProperties, ReactElement } from 'react';
import { memo } from 'react';
import { zoneAt } from '../../domain/boardLayout';
import { useStore } from '../../model/store';
import { useTrans } from '../../ui/trans';
import { useBoardView } from '../view';

export const ZoneNode = memo(function ZoneNode({ id, selected }: NodeProps<Node>): ReactElement | null {
  const trans = useTrans();
  const view = useBoardView();
  const zone = useStore(view.doc.zones, zones => zones.get(id));
  const hovered = useStore(view.hovered, over => over === id);
  const count = useStore(
    view.doc.cards,
    cards => [...cards.values()].filter(({ pos }) => zoneAt(view.doc.zones.get(), pos) === id).length
  );
  if (zone === undefined) {
    return null;
  }
  const style = { '--jp-agor-hue': zone.hue } as CSSProperties;
  return (
    <section className="jp-AgorZone" style={style} data-testid="agor-zone" data-agor-zone={id} data-hovered={hovered}>
      <NodeResizer
        isVisible={selected && view.canWrite}
        minWidth={200}
        minHeight={120}
        onResizeEnd={(_, { x, y, width, height }) =>
          view.doc.change([
            {
              kind: 'zones',
              id,
              fields: { pos: [Math.round(x), Math.round(y)], size: [Math.round(width), Math.round(height)] }
            }
          ])
        }
      />
      <div className="jp-AgorZone-name">
        <ZoneName id={id} name={zone.name} />
        <span className="jp-AgorZone-count" title={trans._n('%1 card', '%1 cards', count)}>
          {count}
        </span>
      </div>
      {hovered && <p className="jp-AgorZone-effect">{trans.__('Drop: move to “%1”', zone.name)}</p>}
    </section>
  );
});

function ZoneName({ id, name }: { readonly id: string; readonly name: string }): ReactElement {
  const trans = useTrans();
  const view = useBoardView();
  const editing = useStore(view.writing, written => written === id);
  const begin = (): void => {
    if (view.canWrite) {
      view.write(id);
    }
  };
  if (!editing) {
    return (
      <button
        type="button"
        className="jp-AgorZone-label"
        title={view.canWrite ? trans.__('%1 (double-click to rename)', name) : name}
        onDoubleClick={begin}
        onKeyDown={event => event.key === 'F2' && begin()}
      >
        {name === '' ? trans.__('Unnamed zone') : name}
      </button>
    );
  }
  const finish = (text: string): void => {
    view.writing.set(null);
    if (text.trim() !== '' && text !== name) {
      view.doc.change([{ kind: 'zones', id, fields: { name: text.trim().slice(0, 80) } }]);
    }
  };
  return (
    <input
      autoFocus
      className="jp-AgorZone-input nodrag nopan"
      aria-label={trans.__('Name of the zone')}
      defaultValue={name}
      onFocus={event => event.currentTarget.select()}
      onBlur={event => finish(event.target.value)}
      onKeyDown={event => {
        event.stopPropagation();
        if (event.key === 'Enter') {
          finish(event.currentTarget.value);
        } else if (event.key === 'Escape') {
          view.writing.set(null);
        }
      }}
    />
  );
}
