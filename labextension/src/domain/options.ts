/** What the options of a request are called, and which of them a key chooses. Pure. */

export interface Option {
  readonly option_id: string;
  readonly name: string;
  readonly kind: 'allow_once' | 'allow_always' | 'reject_once' | 'reject_always';
}

interface Choice<T = Pick<Option, 'kind'>> {
  readonly kind?: string;
  readonly options: readonly T[];
}

/**
 * Say whether the options go by their own names: *Allow once* and its like would not tell them apart. So it
 * is where two are of one kind, and where a change of mode (a plan, say) is asked for.
 * The same rule as `own_names` in agor_jupyter/transcripts/answering.py.
 */
export function ownNames({ kind, options }: Choice): boolean {
  const kinds = options.map(option => option.kind);
  return kinds.length > 0 && (new Set(kinds).size < kinds.length || kind === 'switch_mode');
}

/** Find the option that stands for its kind: the first. */
export function ofKind<T extends Pick<Option, 'kind'>>(options: readonly T[], kind: Option['kind']): T | undefined {
  return options.find(option => option.kind === kind);
}

/** Name what may stand behind `%agor answer REQUEST`, as `choices` in answering.py does. */
export function answerWords(asked: Choice<Option>, questions: number): string {
  if (questions > 1) {
    return Array.from({ length: questions }, (_, place) => `"ANSWER ${place + 1}"`).join(' ');
  }
  if (questions === 1) {
    return 'YOUR ANSWER';
  }
  return ownNames(asked) ? asked.options.map(option => quoted(option.option_id)).join('|') : 'allow|always|reject';
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}
