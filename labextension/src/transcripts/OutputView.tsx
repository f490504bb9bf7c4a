/** One output of a transcript or of a `%%agor` cell, drawn with the rows of the session panel. */
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { ReactElement } from 'react';
import { useMemo, useState } from 'react';
import { countChanges } from '../domain/lineDiff';
import { readUnifiedDiff } from '../domain/unifiedDiff';
import { DiffOf } from '../ui/Diff';
import { Disclosure } from '../ui/Disclosure';
import { EndLine } from '../ui/EndLine';
import { SteeredWords } from '../ui/SteeredWords';
import { ToolLine } from '../ui/ToolLine';
import { useTrans } from '../ui/trans';
import { Words } from '../ui/Words';
import type { ShownNotice, ShownOutput, ShownPermission, ShownQuestion, ShownText, ShownTool, ShownUsage, Step } from './outputs';
import { toSteps } from './outputs';

/** More tool calls in a run than this fold into one row, as in the session panel. */
const MOST_TOOLS = 3;
const DEEPEST = 4;

export interface OutputViewProps {
  readonly output: ShownOutput;
  readonly rendermime: IRenderMimeRegistry;
}

export function OutputView({ output, rendermime }: OutputViewProps): ReactElement {
  const trans = useTrans();
  const steps = useMemo(() => toSteps(output.blocks), [output]);
  const words: Record<string, string> = {
    queued: trans.__('queued'),
    running: trans.__('running'),
    waiting: trans.__('waits for an answer')
  };
  return (
    <div className="jp-AgorOutput" data-testid="agor-output">
      {output.dropped > 0 && (
        <div className="jp-AgorNotice">
          {trans._n('%1 earlier step is in the transcript.', '%1 earlier steps are in the transcript.', output.dropped)}
        </div>
      )}
      {steps.map((step, index) => (
        <div key={`${step.id}-${index}`} className="jp-AgorOutput-step" data-depth={Math.min(step.depth, DEEPEST)}>
          <StepView step={step} rendermime={rendermime} />
        </div>
      ))}
      {output.usage !== null && <UsageView usage={output.usage} />}
      {output.usage === null && output.state !== '' && <div className="jp-AgorEnd">{words[output.state]}</div>}
    </div>
  );
}

interface StepViewProps {
  readonly step: Step;
  readonly rendermime: IRenderMimeRegistry;
}

function StepView({ step, rendermime }: StepViewProps): ReactElement {
  if (step.kind === 'tools') {
    return <ToolsView tools={step.tools} />;
  }
  const { block } = step;
  switch (block.type) {
    case 'text':
      return <Words text={block.text} rendermime={rendermime} />;
    case 'thinking':
      return <ThoughtView block={block} rendermime={rendermime} />;
    case 'permission':
      return <PermissionView block={block} />;
    case 'notice':
      return <NoticeView block={block} />;
    case 'steered':
      return <SteeredWords name={block.by} text={block.text} attached={block.attached} />;
  }
}

function ToolsView({ tools }: { readonly tools: readonly ShownTool[] }): ReactElement {
  const trans = useTrans();
  const [open, setOpen] = useState(false);
  const many = tools.length > MOST_TOOLS;
  return (
    <div className="jp-AgorTools">
      {many && (
        <Disclosure open={open} onToggle={() => setOpen(!open)}>
          {trans._n('%1 step', '%1 steps', tools.length)}
        </Disclosure>
      )}
      {(!many || open) && tools.map((tool, index) => <ToolView key={`${tool.id}-${index}`} tool={tool} />)}
    </div>
  );
}

function ToolView({ tool }: { readonly tool: ShownTool }): ReactElement {
  const trans = useTrans();
  const files = useMemo(() => readUnifiedDiff(tool.diff), [tool.diff]);
  const changes = countChanges(files.flatMap(({ lines }) => lines));
  const details = (): ReactElement => (
    <div className="jp-AgorTool-details">
      {tool.input !== '' && files.length === 0 && (
        <pre className="jp-AgorTool-input" tabIndex={0} aria-label={trans.__('Input')}>
          {tool.input}
        </pre>
      )}
      {files.map((file, index) => (
        <DiffOf key={index} path={file.path} lines={file.lines} />
      ))}
      {tool.output !== '' && (
        <pre className="jp-AgorTool-output" tabIndex={0} aria-label={trans.__('Output')}>
          {tool.output}
        </pre>
      )}
    </div>
  );
  const { kind, name, status, tookMs } = tool;
  return <ToolLine kind={kind} title={name} status={status} tookMs={tookMs} changes={changes} details={details} />;
}

function ThoughtView({ block, rendermime }: { readonly block: ShownText; readonly rendermime: IRenderMimeRegistry }): ReactElement {
  const trans = useTrans();
  const [open, setOpen] = useState(false);
  return (
    <div className="jp-AgorThought">
      <Disclosure open={open} onToggle={() => setOpen(!open)}>
        <span className="jp-AgorThought-line" dir="auto">
          {trans.__('Thought')} · {block.text.trim().split('\n', 1)[0] ?? ''}
        </span>
      </Disclosure>
      {open && <Words text={block.text} rendermime={rendermime} />}
    </div>
  );
}

function PermissionView({ block }: { readonly block: ShownPermission }): ReactElement {
  const trans = useTrans();
  const { title, by, state, answers } = block;
  const asked = [title, ...block.questions.map(each => each.words)].filter(each => each !== '').join(' · ');
  const [glyph, words] =
    state === 'pending'
      ? ['‖', trans.__('Waits for an answer: %1', asked)]
      : state === 'cancelled'
        ? ['✕', trans.__('Withdrawn: %1', asked)]
        : state.startsWith('reject')
          ? ['✕', trans.__('%1 rejected: %2', by, asked)]
          : state.startsWith('allow')
            ? ['✓', trans.__('%1 allowed: %2', by, asked)]
            : ['✓', trans.__('%1 answered: %2', by, answers.length > 0 ? answers.join(' · ') : asked)];
  return (
    <div className="jp-AgorAnswered" data-agor-state={state}>
      <span aria-hidden>{glyph}</span>
      <span dir="auto">{words}</span>
      {block.message !== '' && <q dir="auto">{block.message}</q>}
      {state === 'pending' && <Offered questions={block.questions} />}
      {state === 'pending' && (
        <code title={trans.__('On the card, in the session, or from another notebook: this one waits.')}>
          {`%agor answer ${block.id} ${block.choices}`}
        </code>
      )}
    </div>
  );
}

/** The answers that are offered, under their question where there are several. */
function Offered({ questions }: { readonly questions: readonly ShownQuestion[] }): ReactElement {
  const trans = useTrans();
  return (
    <>
      {questions.flatMap(({ words, offered, own }, place) =>
        offered.length === 0 ? [] : [
          <ul key={place} className="jp-AgorAnswered-offered" aria-label={words} dir="auto">
            {questions.length > 1 && <li className="jp-AgorAnswered-question">{words}</li>}
            {offered.map(([choice, meaning], at) => (
              <li key={at}>{meaning === '' ? choice : `${choice}: ${meaning}`}</li>
            ))}
            {own && <li>{trans.__('or something else, in your own words')}</li>}
          </ul>
        ]
      )}
    </>
  );
}

function NoticeView({ block }: { readonly block: ShownNotice }): ReactElement {
  return (
    <div className="jp-AgorNotice" data-level={block.level} role="note" dir="auto">
      {block.text}
    </div>
  );
}

function UsageView({ usage }: { readonly usage: ShownUsage }): ReactElement {
  const { plan, ...end } = usage;
  return (
    <>
      {plan.length > 0 && (
        <ul className="jp-AgorOutput-plan">
          {plan.map(({ content, done }, index) => (
            <li key={index} data-done={done} dir="auto">
              <span aria-hidden>{done ? '●' : '○'}</span> {content}
            </li>
          ))}
        </ul>
      )}
      <EndLine {...end} />
    </>
  );
}
