/** Slash commands at the start of a prompt: which are meant by what is typed, and the prompt with one of them. Pure. */
import type { SlashCommand } from '../schema/types';

/** Give what was typed of a command's name up to the caret, or null where none is being typed. */
export function slashAt(text: string, caret: number): string | null {
  return /^\/(\S*)$/.exec(text.slice(0, caret))?.[1] ?? null;
}

/** List the commands that are meant: first those that begin so, then those that hold it, each in their order. */
export function matching(commands: readonly SlashCommand[], typed: string): readonly SlashCommand[] {
  const wanted = typed.toLowerCase();
  const place = ({ name }: SlashCommand): number => name.toLowerCase().indexOf(wanted);
  return [...commands.filter(each => place(each) === 0), ...commands.filter(each => place(each) > 0)];
}

/** Put a command in the place of the word that was begun; what follows it stays. The caret goes behind it. */
export function completed(text: string, name: string): { readonly text: string; readonly caret: number } {
  const word = `/${name} `;
  return { text: word + text.replace(/^\S*[ \t]?/, ''), caret: word.length };
}
