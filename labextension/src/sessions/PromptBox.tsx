/** Where a person writes: grows to ten lines, keeps drafts, takes files, says what Enter will do now. */
import type { ReactElement } from 'react';
import { useState } from 'react';
import { CommandIds } from '../domain/commandIds';
import { useStore } from '../model/store';
import { useTrans } from '../ui/trans';
import { AttachButton, Chips } from './Chips';
import { PromptMenus } from './PromptMenus';
import { PromptText } from './PromptText';
import type { Draft } from './useDraft';
import { useDraft } from './useDraft';
import { useAgent, useRun, useSessionView } from './view';

/** What can be done with words at this moment. */
export interface Now {
  readonly mayRun: boolean;
  readonly working: boolean;
  /** Words wait in the queue, behind what runs or what paused it. */
  readonly queues: boolean;
  /** The running turn takes words. */
  readonly steers: boolean;
}

function useNow(): Now {
  const { store, workspace } = useSessionView();
  const working = useStore(store, ({ session }) => session !== null && session.current_task !== null);
  const paused = useStore(store, ({ session }) => (session?.queue_paused ?? '') !== '' && (session?.queue.length ?? 0) > 0);
  // While the agent starts there is no turn yet that could take them.
  const inTurn = useStore(store, ({ session }) => ['running', 'awaiting_permission'].includes(session?.status ?? ''));
  const able = useAgent()?.capabilities.steer === true;
  const mayRun = useStore(workspace.me, () => workspace.may('execute', 'agor:sessions'));
  return { mayRun, working, queues: working || paused, steers: able && working && inTurn };
}

export function PromptBox(): ReactElement {
  const trans = useTrans();
  const now = useNow();
  const draft = useDraft();
  const [over, setOver] = useState(false);
  const take = (files: FileList): void => {
    if (now.mayRun && files.length > 0) {
      void draft.addFiles([...files]);
    }
  };
  return (
    <div
      className="jp-AgorPromptBox"
      data-over={over}
      onDragOver={event => {
        if (event.dataTransfer.types.includes('Files')) {
          event.preventDefault();
          setOver(now.mayRun);
        }
      }}
      onDragLeave={() => setOver(false)}
      onDrop={event => {
        setOver(false);
        if (event.dataTransfer.types.includes('Files')) {
          event.preventDefault(); // else the browser leaves JupyterLab for the file
          take(event.dataTransfer.files);
        }
      }}
      onPaste={event => {
        if (event.clipboardData.files.length > 0) {
          event.preventDefault();
          take(event.clipboardData.files);
        }
      }}
    >
      <Chips draft={draft} />
      <PromptText draft={draft} now={now} />
      {draft.refused.length > 0 && (
        <p className="jp-AgorPromptBox-refused" role="alert" data-testid="agor-refused">
          {draft.refused.join(' ')}
        </p>
      )}
      <div className="jp-AgorPromptBox-foot">
        <PromptMenus />
        <AttachButton draft={draft} disabled={!now.mayRun} />
        <div className="jp-AgorPromptBox-acts">
          <span className="jp-AgorPromptBox-hint" data-testid="agor-enter">
            {now.steers
              ? trans.__('Enter: queue · %1+Enter: steer', ACCEL)
              : trans.__('Enter: %1', now.queues ? trans.__('queue') : trans.__('send'))}
          </span>
          <Buttons draft={draft} now={now} />
        </div>
      </div>
    </div>
  );
}

const ACCEL = /\bMac/.test(navigator.userAgent) ? '⌘' : 'Ctrl';

function Buttons({ draft, now }: { readonly draft: Draft; readonly now: Now }): ReactElement {
  const trans = useTrans();
  const run = useRun();
  const ready = now.mayRun && !draft.busy && draft.text.trim() !== '';
  return (
    <>
      {now.working && (
        <button
          type="button"
          className="jp-mod-styled"
          disabled={!now.mayRun}
          data-testid="agor-stop"
          onClick={() => run(CommandIds.interruptSession)}
        >
          {trans.__('Stop')}
        </button>
      )}
      {now.steers && (
        <button
          type="button"
          className="jp-mod-styled"
          disabled={!ready}
          title={trans.__('Put these words into the running turn (%1+Enter)', ACCEL)}
          data-testid="agor-steer"
          onClick={() => void draft.send('steer')}
        >
          {trans.__('Steer')}
        </button>
      )}
      <button
        type="button"
        className="jp-mod-styled jp-mod-accept"
        disabled={!ready}
        data-testid="agor-send"
        onClick={() => void draft.send('prompt')}
      >
        {now.queues ? trans.__('Queue') : trans.__('Send')}
      </button>
    </>
  );
}
