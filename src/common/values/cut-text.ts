/** The text with at most `limit` UTF-16 units, `…` at its end where it was longer. */
export function cutText(text: string, limit: number): string {
  if (text.length <= limit) return text;
  // No half of a surrogate pair at the end.
  return `${text.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
