/** How long to wait before the next attempt to connect. */

const FIRST_MS = 500;
const LONGEST_MS = 15_000;

/** Give the pause before attempt number `attempt` (from 0): doubling, capped, spread by `random` in [0, 1). */
export function backoffMs(attempt: number, random: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  // Spread, so that all the pages of a team do not come back in one instant.
  return Math.round(full * (0.5 + random / 2));
}
