/** The list of slash commands while one is typed: what it shows, which is chosen, which keys are its own. */
import type { KeyboardEvent } from 'react';
import { useId, useRef, useState } from 'react';
import { useStore } from '../model/store';
import type { SlashCommand } from '../schema/types';
import { completed, matching, slashAt } from './slash';
import { useAgent, useSessionView } from './view';

export interface Slash {
  readonly id: string;
  /** The agent has such commands at all. */
  readonly able: boolean;
  readonly open: boolean;
  /** What to choose from; empty before the agent has told its commands. */
  readonly found: readonly SlashCommand[];
  readonly active: number;
  /** Look at the box again; only typing opens the list. */
  readonly look: (text: string, caret: number, typing: boolean) => void;
  readonly close: () => void;
  readonly point: (place: number) => void;
  readonly complete: (command: SlashCommand) => void;
  /** Take a key that is the list's; says whether it was one. */
  readonly onKey: (event: KeyboardEvent<HTMLTextAreaElement>) => boolean;
}

const NONE: readonly SlashCommand[] = [];

export function useSlash(text: string, write: (text: string, caret: number) => void): Slash {
  const { store } = useSessionView();
  const id = useId();
  const able = useAgent()?.capabilities.commands === true;
  const commands = useStore(store, ({ session }) => session?.commands ?? NONE);
  // An agent that has started and told none has none: there is nothing to list, and nothing to wait for.
  const waits = useStore(store, ({ session }) => (session?.native_ref ?? '') === '') && commands.length === 0;
  const [typed, setTyped] = useState<string | null>(null);
  const [active, setActive] = useState(0);
  const seen = useRef<string | null>(null);
  const found = typed === null ? NONE : matching(commands, typed);
  const open = able && typed !== null && (found.length > 0 || waits);
  const turnTo = (next: string | null): void => {
    if (next !== seen.current) {
      seen.current = next;
      setActive(0);
    }
    setTyped(next);
  };
  const look = (now: string, caret: number, typing: boolean): void => {
    if (typing || typed !== null) {
      turnTo(slashAt(now, caret));
    }
  };
  const close = (): void => turnTo(null);
  const complete = (command: SlashCommand): void => {
    const next = completed(text, command.name);
    close();
    write(next.text, next.caret);
  };
  const onKey = (event: KeyboardEvent<HTMLTextAreaElement>): boolean => {
    const { key } = event;
    if (!open || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) {
      return false;
    }
    if (key === 'Escape') {
      close();
      return true;
    }
    const chosen = found[active];
    if (chosen === undefined) {
      return false;
    }
    if (key === 'ArrowDown' || key === 'ArrowUp') {
      setActive((active + (key === 'ArrowDown' ? 1 : -1) + found.length) % found.length);
      return true;
    }
    // A name that is written whole is nothing to complete: Enter sends it.
    if (key === 'Tab' || (key === 'Enter' && chosen.name !== typed)) {
      complete(chosen);
      return true;
    }
    return false;
  };
  return { id, able, open, found, active, look, close, point: setActive, complete, onKey };
}
