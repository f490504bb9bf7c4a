/** The board's geometry and the words of its layout document; mirrors agor_jupyter/domain/board.py. */

export type Point = readonly [number, number];

export const CARD_WIDTH = 280;
export const CARD_HEIGHT = 160;
export const CARD_WIDE = 420;

export interface CardPlace {
  readonly pos: Point;
  readonly collapsed?: boolean;
  readonly wide?: boolean;
}

export interface ZonePlace {
  readonly pos: Point;
  readonly size: Point;
  readonly name: string;
  readonly hue: number;
  readonly order: number;
}

export interface NotePlace {
  readonly pos: Point;
  readonly size: Point;
  readonly text: string;
  readonly hue: number;
}

export interface Layout {
  readonly cards: ReadonlyMap<string, CardPlace>;
  readonly zones: ReadonlyMap<string, ZonePlace>;
  readonly notes: ReadonlyMap<string, NotePlace>;
}

/** Find the zone under the middle of a card at `pos`; of two the smaller, being the more exact. */
export function zoneAt(zones: ReadonlyMap<string, ZonePlace>, pos: Point, width = CARD_WIDTH): string | null {
  const [x, y] = [pos[0] + width / 2, pos[1] + CARD_HEIGHT / 2];
  let found: string | null = null;
  let area = Infinity;
  for (const [id, zone] of zones) {
    const [left, top] = zone.pos;
    const [wide, high] = zone.size;
    if (x >= left && x <= left + wide && y >= top && y <= top + high && wide * high < area) {
      [found, area] = [id, wide * high];
    }
  }
  return found;
}

/** Find the first cell of a grid that none of `taken` covers, row by row, four a row. */
export function freePlace(taken: readonly Point[], origin: Point = [40, 60]): Point {
  const [stepX, stepY] = [CARD_WIDTH + 40, CARD_HEIGHT + 60];
  for (let number = 0; number <= taken.length * 4; number += 1) {
    const x = origin[0] + (number % 4) * stepX;
    const y = origin[1] + Math.floor(number / 4) * stepY;
    if (taken.every(([tx, ty]) => Math.abs(x - tx) >= stepX || Math.abs(y - ty) >= stepY)) {
      return [x, y];
    }
  }
  return origin;
}

/** Place a new zone: to the right of the last one and as large, or around `center` when it is the first. */
export function nextZone(zones: ReadonlyMap<string, ZonePlace>, center: Point): Pick<ZonePlace, 'pos' | 'size'> {
  let last: ZonePlace | undefined;
  for (const zone of zones.values()) {
    last = last === undefined || zone.pos[0] + zone.size[0] > last.pos[0] + last.size[0] ? zone : last;
  }
  if (last === undefined) {
    return { pos: [center[0] - 320, center[1] - 240], size: [640, 480] };
  }
  return { pos: [last.pos[0] + last.size[0] + 20, last.pos[1]], size: last.size };
}

export type Direction = 'left' | 'right' | 'up' | 'down';

/**
 * Find the neighbour of `from` in a direction: nearest by distance, where going astray counts double.
 * Nothing lies there: null.
 */
export function neighbour(
  places: ReadonlyMap<string, Point>,
  from: string,
  direction: Direction
): string | null {
  const start = places.get(from);
  if (start === undefined) {
    return null;
  }
  let found: string | null = null;
  let least = Infinity;
  for (const [id, [x, y]] of places) {
    const [dx, dy] = [x - start[0], y - start[1]];
    const along = { left: -dx, right: dx, up: -dy, down: dy }[direction];
    const astray = direction === 'left' || direction === 'right' ? Math.abs(dy) : Math.abs(dx);
    const cost = along + 2 * astray;
    if (id !== from && along > 0 && along >= astray / 2 && cost < least) {
      [found, least] = [id, cost];
    }
  }
  return found;
}
