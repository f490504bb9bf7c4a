/** One row of the conversation. */
import type { ReactElement } from 'react';
import { memo, useEffect, useState } from 'react';
import { tokensIn } from '../domain/applyEvent';
import { CommandIds } from '../domain/commandIds';
import { useStore } from '../model/store';
import type { NoticeBlock, PermissionBlock, SteeredBlock, Task, TextBlock } from '../schema/types';
import { Ago } from '../ui/Ago';
import { Attached } from '../ui/Attached';
import { EndLine } from '../ui/EndLine';
import { Face } from '../ui/Face';
import { SteeredWords } from '../ui/SteeredWords';
import { useTrans } from '../ui/trans';
import { Disclosure } from '../ui/Disclosure';
import { AgentRow } from './AgentRow';
import { Markdown } from './Markdown';
import { openTaskMenu } from './taskMenu';
import { ToolRows } from './ToolRows';
import type { Row } from './toRows';
import { sameRow } from './toRows';
import { useSessionView } from './view';

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
      case 'agent':
        return <AgentRow block={row.block} steps={row.steps} last={row.last} over={row.over} />;
      case 'tools':
        return <ToolRows blocks={row.blocks} live={row.live} over={row.over} />;
      case 'permission':
        return <AnsweredRow block={row.block} />;
      case 'notice':
        return <NoticeRow block={row.block} />;
      case 'steered':
        return <SteeredRow block={row.block} />;
      case 'end':
        return <EndRow task={row.task} />;
    }
  },
  (before, after) => sameRow(before.row, after.row)
);

/**
 * Say who did something: by the name that was kept with the act. Without named users all are one person, so
 * that an id says nothing: least of all that it was me.
 */
function usePerson(id: string, name: string): string {
  const { workspace } = useSessionView();
  const trans = useTrans();
  return useStore(workspace.me, me => {
    if (name !== '' || me === null) {
      return name === '' ? id : name;
    }
    if (!me.named_users && me.person.id === id) {
      return trans.__('Somebody');
    }
    return me.person.id === id ? me.person.display_name : id;
  });
}

function PromptRow({ task }: { readonly task: Task }): ReactElement {
  const name = usePerson(task.by, task.by_name);
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
      <Attached names={task.attached} />
      {long && (
        <button type="button" className="jp-AgorLink" onClick={() => setOpen(!open)}>
          {open ? trans.__('Show less') : trans.__('Show all')}
        </button>
      )}
    </div>
  );
}

function SteeredRow({ block }: { readonly block: SteeredBlock }): ReactElement {
  const name = usePerson(block.by, block.by_name);
  return <SteeredWords name={name} text={block.text} attached={block.attached} />;
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
  const name = usePerson(resolved?.by ?? '', resolved?.by_name ?? '');
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
  const view = useSessionView();
  const trans = useTrans();
  const mayFork = view.commands.isEnabled(CommandIds.forkSession, { session_id: view.store.id });
  return (
    <EndLine
      act={
        mayFork ? (
          <button
            type="button"
            className="jp-AgorLink"
            data-testid="agor-fork"
            aria-haspopup="menu"
            onClick={event => openTaskMenu(view, task.id, trans, event.currentTarget)}
          >
            {trans.__('Fork…')}
          </button>
        ) : null
      }
      stop={task.stop_reason ?? 'end_turn'}
      stoppedBy={task.stopped_by}
      tookMs={Math.max(0, (task.ended_ms ?? 0) - (task.started_ms ?? task.ended_ms ?? 0))}
      tokens={[tokensIn(task.usage), task.usage.output_tokens]}
      costUsd={task.usage.cost_usd}
      changes={{ files: task.files_changed, added: task.lines_added, removed: task.lines_removed }}
      trouble={`${task.error} ${task.hint}`.trim()}
    />
  );
}
