/** One slow clock for all the "3 m" of a page: a hundred rows need no hundred timers. */
import { useSyncExternalStore } from 'react';

const TICK_MS = 10_000;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let now = Date.now();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    listeners.forEach(each => each());
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** Give the time in ms, renewed every ten seconds. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => now);

/** Say how long ago in one short word: `now`, `40 s`, `3 m`, `5 h`, `2 d`. */
export function shortAgo(sinceMs: number): string {
  const seconds = Math.floor(sinceMs / 1000);
  const steps: readonly [number, number, string][] = [
    [86_400, 86_400, 'd'],
    [3600, 3600, 'h'],
    [60, 60, 'm'],
    [20, 1, 's']
  ];
  const step = steps.find(([least]) => seconds >= least);
  return step === undefined ? 'now' : `${Math.floor(seconds / step[1])} ${step[2]}`;
}

/** Say how long something took: `0.4 s`, `12 s`, `2 m 05 s`. */
export function shortDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) {
    return seconds < 9.95 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
  }
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} m ${String(whole % 60).padStart(2, '0')} s`;
}

/** Say a count of tokens in few characters: `840`, `12.4k`, `1.2M`. */
export function shortCount(count: number): string {
  if (count < 1000) {
    return String(count);
  }
  const [value, unit] = count < 1e6 ? [count / 1000, 'k'] : [count / 1e6, 'M'];
  return `${value < 100 ? value.toFixed(1).replace(/\.0$/, '') : Math.round(value)}${unit}`;
}
