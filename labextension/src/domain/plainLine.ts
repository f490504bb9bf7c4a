/** One line of Markdown as the words it means, for places that show no Markdown. Not a parser: what it misses, stays. */
export function plainLine(markdown: string): string {
  return markdown
    .trim()
    .replace(/^\s*(?:#{1,6}\s+|>\s+|[-*+]\s+|\d+\.\s+|(?:```|~~~).*$)/, '')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/(\*\*|__|~~)(?=\S)(.*?\S)\1/g, '$2')
    .replace(/`+([^`]+)`+/g, '$1')
    .trim();
}
