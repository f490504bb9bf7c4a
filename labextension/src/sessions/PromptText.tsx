/** The text of the prompt box: grows to ten lines, sends with Enter, walks through earlier prompts with the arrows. */
import type { KeyboardEvent, ReactElement } from 'react';
import { useLayoutEffect, useRef } from 'react';
import { useTrans } from '../ui/trans';
import { HERE, stepHistory } from './history';
import type { Now } from './PromptBox';
import type { Draft } from './useDraft';
import { useSessionView } from './view';

const MOST_LINES = 10;
const LINE_PX = 20;

export function PromptText({ draft, now }: { readonly draft: Draft; readonly now: Now }): ReactElement {
  const { drafts } = useSessionView();
  const trans = useTrans();
  const { text, setText } = draft;
  const box = useRef<HTMLTextAreaElement>(null);
  const at = useRef(HERE);
  useLayoutEffect(() => {
    if (box.current !== null) {
      box.current.style.height = 'auto';
      box.current.style.height = `${Math.min(box.current.scrollHeight, MOST_LINES * LINE_PX)}px`;
    }
  }, [text]);
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.nativeEvent.isComposing) {
      return;
    }
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      at.current = HERE;
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
      setText(step.text, false);
    }
  };
  return (
    <textarea
      ref={box}
      rows={1}
      value={text}
      readOnly={!now.mayRun}
      aria-label={trans.__('Prompt')}
      data-testid="agor-prompt-box"
      placeholder={now.mayRun ? trans.__('Say what you want') : trans.__('You may watch this session, not prompt it.')}
      onChange={event => {
        at.current = HERE;
        setText(event.target.value);
      }}
      onKeyDown={onKeyDown}
    />
  );
}
