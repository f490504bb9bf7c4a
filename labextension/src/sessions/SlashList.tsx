/** The slash commands of a session's agent, above the prompt in which one is typed. */
import type { ReactElement } from 'react';
import { useLayoutEffect, useRef } from 'react';
import { useTrans } from '../ui/trans';
import type { Slash } from './useSlash';

export const optionId = (slash: Slash, place: number): string => `${slash.id}-${place}`;

/** Where a list has to stand so that an option is in view: as near as can be. */
function scrolled(list: HTMLElement, option: HTMLElement): number {
  const least = option.offsetTop + option.offsetHeight - list.clientHeight;
  return Math.max(least, Math.min(list.scrollTop, option.offsetTop));
}

export function SlashList({ slash }: { readonly slash: Slash }): ReactElement | null {
  const trans = useTrans();
  const list = useRef<HTMLUListElement>(null);
  useLayoutEffect(() => {
    const option = list.current?.children[slash.active];
    if (list.current !== null && option instanceof HTMLElement) {
      list.current.scrollTop = scrolled(list.current, option);
    }
  }, [slash.active, slash.found]);
  if (!slash.open) {
    return null;
  }
  if (slash.found.length === 0) {
    return (
      <p className="jp-AgorSlash" role="status" data-testid="agor-slash-empty">
        {trans.__('Commands are listed once the agent has started.')}
      </p>
    );
  }
  return (
    <ul
      ref={list}
      id={slash.id}
      className="jp-AgorSlash"
      role="listbox"
      aria-label={trans.__('Commands of the agent')}
      data-testid="agor-slash"
    >
      {slash.found.map((command, place) => (
        <li
          key={command.name}
          id={optionId(slash, place)}
          role="option"
          aria-selected={place === slash.active}
          title={command.description}
          data-testid="agor-slash-command"
          onMouseMove={() => place !== slash.active && slash.point(place)}
          onMouseDown={event => {
            event.preventDefault(); // the prompt keeps the focus
            slash.complete(command);
          }}
        >
          <span className="jp-AgorSlash-name">
            /{command.name} {command.hint !== '' && <span className="jp-AgorSlash-hint">{command.hint}</span>}
          </span>
          <span className="jp-AgorSlash-words">{command.description}</span>
        </li>
      ))}
    </ul>
  );
}
