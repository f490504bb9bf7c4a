/** Characters that nobody sees, written out: an instruction may hide in them, or stand elsewhere than it seems. */

const UNSEEN = /(?![\n\r\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Put the number of each unseen character in its place; line ends and tabs stay. */
export function withMarks(text: string): string {
  return text.replace(UNSEEN, found => `⟨U+${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`);
}
