/**
 * A text as one word of a POSIX shell, whatever is in it. The only way in which a text that is not
 * ours gets into a command line.
 *
 * @throws RangeError: it holds a NUL, which no argument can hold
 */
export function posixWord(text: string): string {
  if (text.includes('\0')) throw new RangeError('an argument cannot hold a NUL character');
  return `'${text.replaceAll("'", "'\\''")}'`;
}
