/** Where a person writes: grows to ten lines, keeps drafts, says what Enter will do now. */
import { UUID } from '@lumino/coreutils';
import type { KeyboardEvent, ReactElement } from 'react';
import { useLayoutEffect, useRef, useState } from 'react';
import { CommandIds } from '../domain/commandIds';
import { useStore } from '../model/store';
import { useTrans } from '../ui/trans';
import { PromptMenus } from './PromptMenus';
import { useSessionView } from './view';

const MOST_LINES = 10;
const LINE_PX = 20;

/** The text of the box, kept as a draft; `send` clears it when the server has taken it. */
function useDraft(): { text: string; setText: (text: string) => void; busy: boolean; send: () => Promise<void> } {
  const { store, commands, drafts } = useSessionView();
  const [text, setText] = useState(() => drafts.draft(store.id));
  const [busy, setBusy] = useState(false);
  // One key an attempt: what is sent again after a broken connection is done once.
  const key = useRef(UUID.uuid4());
  const change = (next: string): void => {
    setText(next);
    drafts.keep(store.id, next);
  };
  const send = async (): Promise<void> => {
    const prompt = text.trim();
    if (prompt === '' || busy) {
      return;
    }
    setBusy(true);
    try {
      await commands.execute(CommandIds.promptSession, { session_id: store.id, prompt, key: key.current });
      key.current = UUID.uuid4();
      drafts.sent(prompt);
      change('');
    } catch {
      // The command has said what went wrong; the text stays.
    } finally {
      setBusy(false);
    }
  };
  return { text, setText: change, busy, send };
}

export function PromptBox(): ReactElement {
  const { store, commands, workspace, drafts } = useSessionView();
  const trans = useTrans();
  const working = useStore(store, ({ session }) => session !== null && session.current_task !== null);
  const paused = useStore(store, state => state.session?.queue_paused !== '' && (state.session?.queue.length ?? 0) > 0);
  const mayRun = useStore(workspace.me, () => workspace.may('execute', 'agor:sessions'));
  const { text, setText, busy, send } = useDraft();
  const box = useRef<HTMLTextAreaElement>(null);
  const back = useRef(-1);
  useLayoutEffect(() => {
    if (box.current !== null) {
      box.current.style.height = 'auto';
      box.current.style.height = `${Math.min(box.current.scrollHeight, MOST_LINES * LINE_PX)}px`;
    }
  }, [text]);
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      back.current = -1;
      void send();
    } else if (event.key === 'ArrowUp' && (text === '' || back.current >= 0)) {
      const earlier = drafts.earlier(back.current + 1);
      if (earlier !== null) {
        event.preventDefault();
        back.current += 1;
        setText(earlier);
      }
    }
  };
  const word = working || paused ? trans.__('Queue') : trans.__('Send');
  return (
    <div className="jp-AgorPromptBox" data-lm-suppress-shortcuts="true">
      <textarea
        ref={box}
        rows={1}
        value={text}
        readOnly={!mayRun}
        aria-label={trans.__('Prompt')}
        data-testid="agor-prompt-box"
        placeholder={mayRun ? trans.__('Say what you want') : trans.__('You may watch this session, not prompt it.')}
        onChange={event => setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <div className="jp-AgorPromptBox-foot">
        <PromptMenus />
        <span className="jp-AgorPromptBox-hint">{trans.__('Enter: %1', word.toLowerCase())}</span>
        {working && (
          <button
            type="button"
            className="jp-mod-styled"
            disabled={!mayRun}
            data-testid="agor-stop"
            onClick={() => void commands.execute(CommandIds.interruptSession, { session_id: store.id })}
          >
            {trans.__('Stop')}
          </button>
        )}
        <button
          type="button"
          className="jp-mod-styled jp-mod-accept"
          disabled={!mayRun || busy || text.trim() === ''}
          data-testid="agor-send"
          onClick={() => void send()}
        >
          {word}
        </button>
      </div>
    </div>
  );
}
