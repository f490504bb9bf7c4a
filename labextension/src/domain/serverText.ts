/** An MCP server as somebody writes it into a form: a command line, and lines of `NAME=value`. Pure. */

/** Split a command line into words; quotes hold a word together, a backslash takes the next letter as it is. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let place = 0; place < line.length; place += 1) {
    const letter = line.charAt(place);
    if (quote !== '') {
      if (letter === quote) {
        quote = '';
      } else {
        word = (word ?? '') + letter;
      }
    } else if (letter === '"' || letter === "'") {
      quote = letter;
      word ??= '';
    } else if (letter === '\\' && place + 1 < line.length) {
      place += 1;
      word = (word ?? '') + line.charAt(place);
    } else if (/\s/.test(letter)) {
      if (word !== null) {
        words.push(word);
      }
      word = null;
    } else {
      word = (word ?? '') + letter;
    }
  }
  return word === null ? words : [...words, word];
}

/** Write words as a command line that `wordsOf` reads back. */
export function lineOf(words: readonly string[]): string {
  return words.map(word => (/^[\w@%+=:,./${}-]+$/.test(word) ? word : `"${word.replace(/"/g, `"'"'"`)}"`)).join(' ');
}

/** Read lines of `NAME<separator>value`; a line without one is a name without a value. */
export function pairsOf(text: string, separator: string): Record<string, string> {
  const lines = text.split('\n').filter(line => line.trim() !== '');
  return Object.fromEntries(
    lines.map(line => {
      const place = line.indexOf(separator);
      return place < 0 ? [line.trim(), ''] : [line.slice(0, place).trim(), line.slice(place + separator.length).trim()];
    })
  );
}

export function linesOf(pairs: Readonly<Record<string, string>>, separator: string): string {
  return Object.entries(pairs)
    .map(([name, value]) => `${name}${separator}${value}`)
    .join('\n');
}

/** Name the credentials that a server refers to. */
export function referencesOf(...maps: readonly Readonly<Record<string, string>>[]): string[] {
  const text = maps.flatMap(map => Object.values(map)).join('\n');
  return [...new Set([...text.matchAll(/\$\{([A-Za-z_]\w*)\}/g)].map(found => found[1] ?? ''))];
}
