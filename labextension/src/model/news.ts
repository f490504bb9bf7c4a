/** Which rows of a card are news to this person: their own sessions, finished and not looked at since. */
import type { SessionRow } from '../schema/types';
import type { SeenStore } from './seen';

/** List the ids of the rows that are news to `me`. */
export function newsOf(rows: readonly SessionRow[], me: string | undefined, seen: Pick<SeenStore, 'isUnseen'>): string[] {
  return rows
    .filter(
      row => row.owner === me && row.status === 'idle' && row.last_words !== '' && seen.isUnseen(row.id, row.updated_ms)
    )
    .map(row => row.id);
}

/** Mark the rows that `news` names as unseen; the others stay the same objects. */
export function markNews(rows: readonly SessionRow[], news: readonly string[]): readonly (SessionRow & { unseen?: boolean })[] {
  return rows.map(row => (news.includes(row.id) ? { ...row, unseen: true } : row));
}
