/**
 * Read the board's documents once from unknown values. Any member's browser may write the layout, so
 * an entry that makes no sense is left out (or clipped), never allowed to break the board.
 */
import type { CardPlace, NotePlace, Point, ZonePlace } from '../domain/boardLayout';
import type { Board, InboxItem, SessionRow, WorktreeCard } from '../schema/types';

const FARTHEST = 1_000_000;
const SMALLEST = 40;
const LONGEST_TEXT = 10_000;

type Entry = Readonly<Record<string, unknown>>;

function entryOf(value: unknown): Entry | null {
  return typeof value === 'object' && value !== null ? (value as Entry) : null;
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isFinite(value)
    ? Math.max(-FARTHEST, Math.min(FARTHEST, value))
    : otherwise;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, LONGEST_TEXT) : '';
}

export function pointOf(value: unknown): Point | null {
  if (!Array.isArray(value) || value.length !== 2) {
    return null;
  }
  const [x, y] = [numberOf(value[0], NaN), numberOf(value[1], NaN)];
  return Number.isNaN(x) || Number.isNaN(y) ? null : [x, y];
}

function sizeOf(value: unknown, otherwise: Point): Point {
  const size = pointOf(value) ?? otherwise;
  return [Math.max(SMALLEST, size[0]), Math.max(SMALLEST, size[1])];
}

export function cardOf(value: unknown): CardPlace | null {
  const entry = entryOf(value);
  const pos = pointOf(entry?.['pos']);
  return entry === null || pos === null
    ? null
    : { pos, collapsed: entry['collapsed'] === true, wide: entry['wide'] === true };
}

export function zoneOf(value: unknown): ZonePlace | null {
  const entry = entryOf(value);
  const pos = pointOf(entry?.['pos']);
  return entry === null || pos === null
    ? null
    : {
        pos,
        size: sizeOf(entry['size'], [640, 420]),
        name: textOf(entry['name']),
        hue: numberOf(entry['hue'], 210),
        order: numberOf(entry['order'], 0)
      };
}

export function noteOf(value: unknown): NotePlace | null {
  const entry = entryOf(value);
  const pos = pointOf(entry?.['pos']);
  return entry === null || pos === null
    ? null
    : {
        pos,
        size: sizeOf(entry['size'], [200, 140]),
        text: textOf(entry['text']),
        hue: numberOf(entry['hue'], 48)
      };
}

/** Read an entry of the status document: JSON text, or the same as plain values. The server wrote it. */
function served(value: unknown): Entry | null {
  if (typeof value !== 'string') {
    return entryOf(value);
  }
  try {
    return entryOf(JSON.parse(value));
  } catch {
    return null;
  }
}

export const worktreeCardOf = (value: unknown): WorktreeCard | null => served(value) as WorktreeCard | null;
export const sessionRowOf = (value: unknown): SessionRow | null => served(value) as SessionRow | null;
export const inboxItemOf = (value: unknown): InboxItem | null => served(value) as InboxItem | null;
export const boardOf = (value: unknown): Pick<Board, 'id' | 'name'> | null =>
  served(value) as Pick<Board, 'id' | 'name'> | null;
