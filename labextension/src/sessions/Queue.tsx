/** Prompts that wait: edit, move, withdraw; and why the queue stands still, with the one next step. */
import type { ReactElement } from 'react';
import { useState } from 'react';
import { CommandIds } from '../domain/commandIds';
import { sameItems, useStore } from '../model/store';
import type { Task } from '../schema/types';
import { useTrans } from '../ui/trans';
import { useRun, useSessionView } from './view';

export function Queue(): ReactElement | null {
  const { store } = useSessionView();
  const run = useRun();
  const trans = useTrans();
  const reason = useStore(store, state => state.session?.queue_paused ?? '');
  const waits = useStore(store, state => state.session?.waits?.reason ?? '');
  const tasks = useStore(
    store,
    state =>
      (state.session?.queue ?? [])
        .map(id => state.tasks.find(view => view.task.id === id)?.task)
        .filter(task => task !== undefined),
    sameItems
  );
  if (tasks.length === 0) {
    return null;
  }
  return (
    <section className="jp-AgorQueue" aria-label={trans.__('Queued prompts')}>
      {reason !== '' && (
        <div className="jp-AgorQueue-paused">
          <span>{trans.__('%1 The queue waits.', reason)}</span>
          <button
            type="button"
            className="jp-mod-styled jp-mod-accept"
            data-testid="agor-resume"
            onClick={() => run(CommandIds.resumeSession)}
          >
            {trans.__('Go on')}
          </button>
        </div>
      )}
      {reason === '' && waits !== '' && (
        <div className="jp-AgorQueue-paused" role="status" data-testid="agor-waits">
          {trans.__('Waits: %1. It starts by itself.', waits)}
        </div>
      )}
      <ol>
        {tasks.map((task, place) => (
          <QueuedTask key={task.id} task={task} place={place} />
        ))}
      </ol>
    </section>
  );
}

function QueuedTask({ task, place }: { readonly task: Task; readonly place: number }): ReactElement {
  const run = useRun();
  const trans = useTrans();
  const [text, setText] = useState<string | null>(null);
  const save = (): void => {
    if (text !== null && text.trim() !== '' && text !== task.prompt) {
      run(CommandIds.editTask, { task_id: task.id, prompt: text });
    }
    setText(null);
  };
  return (
    <li className="jp-AgorQueued" data-testid="agor-queued">
      {text === null ? (
        <button type="button" className="jp-AgorQueued-text" title={trans.__('Edit')} onClick={() => setText(task.prompt)}>
          {task.prompt}
        </button>
      ) : (
        <textarea
          autoFocus
          value={text}
          aria-label={trans.__('Queued prompt')}
          onChange={event => setText(event.target.value)}
          onBlur={save}
          onKeyDown={event => {
            if (event.key === 'Escape') {
              setText(null);
            } else if (event.key === 'Enter' && !event.shiftKey) {
              event.preventDefault();
              save();
            }
          }}
        />
      )}
      {place > 0 && (
        <button
          type="button"
          className="jp-AgorIconButton"
          aria-label={trans.__('Sooner')}
          title={trans.__('Sooner')}
          onClick={() => run(CommandIds.moveTask, { task_id: task.id, place: place - 1 })}
        >
          ↑
        </button>
      )}
      <button
        type="button"
        className="jp-AgorIconButton"
        aria-label={trans.__('Withdraw')}
        title={trans.__('Withdraw')}
        onClick={() => run(CommandIds.withdrawTask, { task_id: task.id })}
      >
        ✕
      </button>
    </li>
  );
}
