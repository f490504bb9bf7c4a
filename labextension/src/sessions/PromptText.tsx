/**
 * The text of the prompt box: grows to ten lines, sends with Enter, walks through earlier prompts with the
 * arrows. While its list of commands is open, those keys are the list's.
 */
import type { AriaAttributes, KeyboardEvent, ReactElement } from 'react';
import { useLayoutEffect, useRef } from 'react';
import { useTrans } from '../ui/trans';
import { HERE, stepHistory } from './history';
import type { Now } from './PromptBox';
import { optionId, SlashList } from './SlashList';
import type { Draft } from './useDraft';
import type { Slash } from './useSlash';
import { useSlash } from './useSlash';
import { useSessionView } from './view';

const MOST_LINES = 10;
const LINE_PX = 20;

export function PromptText({ draft, now }: { readonly draft: Draft; readonly now: Now }): ReactElement {
  const { drafts } = useSessionView();
  const trans = useTrans();
  const { text, setText } = draft;
  const box = useRef<HTMLTextAreaElement>(null);
  const at = useRef(HERE);
  const placeCaret = useRef<number | null>(null);
  useLayoutEffect(() => {
    if (placeCaret.current !== null) {
      box.current?.setSelectionRange(placeCaret.current, placeCaret.current);
      placeCaret.current = null;
    }
    if (box.current !== null) {
      box.current.style.height = 'auto';
      box.current.style.height = `${Math.min(box.current.scrollHeight, MOST_LINES * LINE_PX)}px`;
    }
  }, [text]);
  const slash = useSlash(text, (next, caret) => {
    setText(next);
    placeCaret.current = caret;
  });
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.nativeEvent.isComposing) {
      return;
    }
    if (slash.onKey(event)) {
      event.preventDefault();
      event.stopPropagation(); // Escape closes the list and nothing else
      return;
    }
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      at.current = HERE;
      slash.close();
      void draft.send(now.steers && (event.ctrlKey || event.metaKey) ? 'steer' : 'prompt');
      return;
    }
    const { selectionStart: start, selectionEnd: end } = event.currentTarget;
    const plain = !event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey;
    const step = plain ? stepHistory(event.key, { text, start, end }, at.current, back => drafts.earlier(back)) : null;
    if (step !== null) {
      event.preventDefault();
      at.current = step.at;
      // What is only looked at again is no draft: one's own words stay kept meanwhile.
      slash.close();
      setText(step.text, false);
    }
  };
  return (
    <>
      <SlashList slash={slash} />
      <textarea
        ref={box}
        rows={1}
        value={text}
        readOnly={!now.mayRun}
        aria-label={trans.__('Prompt')}
        data-testid="agor-prompt-box"
        {...(slash.able ? comboOf(slash) : {})}
        placeholder={now.mayRun ? trans.__('Say what you want') : trans.__('You may watch this session, not prompt it.')}
        onChange={event => {
          at.current = HERE;
          setText(event.target.value);
          slash.look(event.target.value, event.target.selectionEnd, true);
        }}
        onSelect={event => slash.look(event.currentTarget.value, event.currentTarget.selectionEnd, false)}
        onBlur={slash.close}
        onKeyDown={onKeyDown}
      />
    </>
  );
}

/** What a reader is told of a box with a list; the focus stays in the box. */
function comboOf(slash: Slash): AriaAttributes & { readonly role: 'combobox' } {
  const listed = slash.open && slash.found.length > 0;
  return {
    role: 'combobox',
    'aria-autocomplete': 'list',
    'aria-haspopup': 'listbox',
    'aria-expanded': listed,
    ...(listed ? { 'aria-controls': slash.id, 'aria-activedescendant': optionId(slash, slash.active) } : {})
  };
}
