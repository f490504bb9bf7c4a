/** The golden files of tests/golden/events hold both languages to one reducer. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Session, SessionEvent, Task, TaskContent } from '../../schema/types';
import { applyBlock, EMPTY_CONTENT } from '../applyBlock';
import { applyEvent } from '../applyEvent';
import { applyTask } from '../applyTask';

const FOLDER = join(process.cwd(), '..', 'tests', 'golden', 'events');
const names = existsSync(FOLDER) ? readdirSync(FOLDER).filter(name => name.endsWith('.json')) : [];

interface Golden {
  readonly before: Session;
  readonly events: SessionEvent[];
  readonly after: {
    readonly session: Session;
    readonly tasks: Record<string, Task>;
    readonly content: Record<string, TaskContent>;
  };
}

describe('golden events', () => {
  it('are there', () => {
    expect(names.length).toBeGreaterThan(0);
  });

  it.each(names)('%s', name => {
    const { before, events, after } = JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Golden;
    const tasks: Record<string, Task> = {};
    const content: Record<string, TaskContent> = {};
    for (const event of events) {
      const id = event.task_id;
      if (id !== null) {
        const task = applyTask(tasks[id], event);
        if (task !== undefined) {
          tasks[id] = task;
        }
        content[id] = applyBlock(content[id] ?? EMPTY_CONTENT, event);
      }
    }
    expect({ session: events.reduce(applyEvent, before), tasks, content }).toEqual(after);
  });
});
