/** One row of the conversation. */
import type { ReactElement } from 'react';
import { memo, useEffect, useState } from 'react';
import { useStore } from '../model/store';
import type { NoticeBlock, PermissionBlock, Task, TextBlock } from '../schema/types';
import { Ago } from '../ui/Ago';
import { Counts } from '../ui/Diff';
import { Face } from '../ui/Face';
import { useTrans } from '../ui/trans';
import { Disclosure } from './Disclosure';
import { Markdown } from './Markdown';
import { ToolRows } from './ToolRows';
import type { Row } from './toRows';
import { sameRow } from './toRows';
import { useSessionView } from './view';
import { shortCount, shortDuration } from '../ui/clock';

export const RowView = memo(
  function RowView({ row }: { readonly row: Row }): ReactElement {
    switch (row.kind) {
      case 'prompt':
        return <PromptRow task={row.task} />;
      case 'unloaded':
        return <UnloadedRow task={row.task} />;
      case 'text':
        return <Markdown text={row.block.text} />;
      case 'thought':
        return <ThoughtRow block={row.block} live={row.live} />;
      case 'tools':
        return <ToolRows blocks={row.blocks} live={row.live} />;
      case 'permission':
        return <AnsweredRow block={row.block} />;
      case 'notice':
        return <NoticeRow block={row.block} />;
      case 'end':
        return <EndRow task={row.task} />;
    }
  },
  (before, after) => sameRow(before.row, after.row)
);

function usePerson(id: string): string {
  const { workspace } = useSessionView();
  return useStore(workspace.me, me => (me?.person.id === id ? me.person.display_name : id));
}

function PromptRow({ task }: { readonly task: Task }): ReactElement {
  const name = usePerson(task.by);
  const [open, setOpen] = useState(false);
  const trans = useTrans();
  const long = task.prompt.length > 1200 || task.prompt.split('\n').length > 16;
  return (
    <div className="jp-AgorPrompt" data-testid="agor-prompt">
      <Face name={name} size={20} />
      <div className="jp-AgorPrompt-words" data-clipped={long && !open}>
        {task.prompt}
      </div>
      <Ago atMs={task.queued_ms} />
      {long && (
        <button type="button" className="jp-AgorLink" onClick={() => setOpen(!open)}>
          {open ? trans.__('Show less') : trans.__('Show all')}
        </button>
      )}
    </div>
  );
}

function UnloadedRow({ task }: { readonly task: Task }): ReactElement {
  const { store } = useSessionView();
  const trans = useTrans();
  useEffect(() => void store.loadTask(task.id), [store, task.id]);
  return <div className="jp-AgorSkeleton" role="status" aria-label={trans.__('Loading')} />;
}

function ThoughtRow({ block, live }: { readonly block: TextBlock; readonly live: boolean }): ReactElement {
  const trans = useTrans();
  const [open, setOpen] = useState(false);
  const line = block.text.trim().split('\n').at(live ? -1 : 0) ?? '';
  return (
    <div className="jp-AgorThought">
      <Disclosure open={open} onToggle={() => setOpen(!open)}>
        <span className="jp-AgorThought-line">
          {live ? trans.__('Thinking') : trans.__('Thought')} · {line}
        </span>
      </Disclosure>
      {open && <Markdown text={block.text} />}
    </div>
  );
}

function AnsweredRow({ block }: { readonly block: PermissionBlock }): ReactElement {
  const trans = useTrans();
  const { request, resolved } = block;
  const name = usePerson(resolved?.by ?? '');
  const option = request.options.find(each => each.option_id === resolved?.option_id);
  const allowed = option?.kind.startsWith('allow') ?? resolved?.outcome === 'selected';
  const words =
    resolved?.outcome === 'cancelled'
      ? trans.__('Withdrawn: %1', request.title)
      : request.questions.length > 0
        ? trans.__('%1 answered: %2', name, Object.values(resolved?.answers ?? {}).join(' · '))
        : allowed
          ? trans.__('%1 allowed: %2', name, request.title)
          : trans.__('%1 rejected: %2', name, request.title);
  return (
    <div className="jp-AgorAnswered" data-allowed={allowed}>
      <span aria-hidden>{allowed ? '✓' : '✕'}</span>
      <span>{words}</span>
      {resolved !== null && resolved.message !== '' && <q>{resolved.message}</q>}
    </div>
  );
}

function NoticeRow({ block }: { readonly block: NoticeBlock }): ReactElement {
  return (
    <div className="jp-AgorNotice" data-level={block.level} role={block.level === 'error' ? 'alert' : 'note'}>
      {block.text} {block.hint}
    </div>
  );
}

function EndRow({ task }: { readonly task: Task }): ReactElement {
  const trans = useTrans();
  const words: Record<NonNullable<Task['stop_reason']>, string> = {
    end_turn: trans.__('Done'),
    max_tokens: trans.__('Stopped: the answer was too long'),
    max_turn_requests: trans.__('Stopped: too many steps'),
    refusal: trans.__('The agent refused'),
    cancelled: trans.__('Stopped'),
    failed: trans.__('Failed'),
    lost: trans.__('Lost')
  };
  const reason = task.stop_reason ?? 'end_turn';
  const took = (task.ended_ms ?? 0) - (task.started_ms ?? task.ended_ms ?? 0);
  return (
    <div className="jp-AgorEnd" data-agor-stop={reason} data-testid="agor-task-end">
      <span>{words[reason]}</span>
      <span>{shortDuration(took)}</span>
      <span title={trans.__('tokens in and out')}>
        {shortCount(task.usage.input_tokens)} → {shortCount(task.usage.output_tokens)}
      </span>
      {task.usage.cost_usd !== null && <span>${task.usage.cost_usd.toFixed(4)}</span>}
      {task.files_changed > 0 && (
        <span>
          {trans._n('%1 file', '%1 files', task.files_changed)}{' '}
          <Counts added={task.lines_added} removed={task.lines_removed} />
        </span>
      )}
      {task.error !== '' && (
        <p role="alert">
          {task.error} {task.hint}
        </p>
      )}
    </div>
  );
}
