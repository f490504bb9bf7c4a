/** `/` finds a card by the name of its worktree, branch or sessions. */
import type { ReactElement } from 'react';
import { useState } from 'react';
import type { BoardDoc } from '../model/boardDoc';
import { useValue } from '../model/store';
import { useTrans } from '../ui/trans';
import { useBoardView } from './view';

export interface Hit {
  readonly id: string;
  readonly name: string;
  readonly detail: string;
}

const MOST = 8;

/** Find what `text` names, in the order of the board's list. */
export function search(doc: Pick<BoardDoc, 'worktrees' | 'rows'>, text: string): Hit[] {
  const wanted = text.trim().toLowerCase();
  const hits: Hit[] = [];
  for (const { id, name, branch, repo } of doc.worktrees.get().values()) {
    const titles = (doc.rows.get().get(id) ?? []).map(row => row.title);
    const found = [name, branch, repo, ...titles].find(each => each.toLowerCase().includes(wanted));
    if (found !== undefined) {
      hits.push({ id, name, detail: found === name ? branch : found });
    }
  }
  return hits.slice(0, MOST);
}

export function BoardSearch(): ReactElement | null {
  const view = useBoardView();
  return useValue(view.searching) ? <OpenSearch /> : null;
}

function OpenSearch(): ReactElement {
  const trans = useTrans();
  const view = useBoardView();
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const hits = search(view.doc, text);
  const close = (id?: string): void => {
    view.searching.set(false);
    if (id !== undefined) {
      view.navigate?.focus(id);
    }
  };
  return (
    <div className="jp-AgorSearch" role="search">
      <input
        autoFocus
        className="jp-mod-styled"
        role="combobox"
        aria-expanded
        aria-controls="agor-search-hits"
        aria-label={trans.__('Find a card')}
        placeholder={trans.__('Find a worktree, branch or session')}
        value={text}
        onBlur={() => close()}
        onChange={event => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={event => {
          event.stopPropagation();
          if (event.key === 'Escape') {
            close();
          } else if (event.key === 'Enter') {
            close(hits[at]?.id);
          } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
            event.preventDefault();
            setAt(Math.max(0, Math.min(hits.length - 1, at + (event.key === 'ArrowDown' ? 1 : -1))));
          }
        }}
      />
      <ul id="agor-search-hits" role="listbox" aria-label={trans.__('Cards')}>
        {hits.map((hit, index) => (
          <li
            key={hit.id}
            role="option"
            aria-selected={index === at}
            onMouseDown={event => {
              event.preventDefault();
              close(hit.id);
            }}
          >
            <span>{hit.name}</span> <small>{hit.detail}</small>
          </li>
        ))}
        {hits.length === 0 && <li className="jp-AgorSearch-none">{trans.__('Nothing has this name.')}</li>}
      </ul>
    </div>
  );
}
