/** How free an agent is, in words (English; the caller translates). */
import type { Session } from '../schema/types';

export type Mode = Session['mode'];

export interface ModeWords {
  readonly title: string;
  readonly hint: string;
}

const WORDS: Record<Mode, ModeWords> = {
  ask: { title: 'Ask', hint: 'Asks before each write and before each command that can change something.' },
  accept_edits: { title: 'Accept edits', hint: 'Edits files in its worktree unasked; asks for the rest.' },
  plan: { title: 'Plan', hint: 'Only reads, and says what it would do.' },
  full_auto: { title: 'Full auto', hint: 'Does everything unasked. Only for what may break.' }
};

export function modeWords(mode: Mode): ModeWords {
  return WORDS[mode];
}
