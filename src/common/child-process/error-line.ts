/** What a Node that failed said: it prints the line of code first, and the error behind it. */
export function errorLine(said: string): string {
  const errors = said.split('\n').filter((line) => /Error( \[\w+\])?: /.test(line));
  return (errors[0] ?? said.trim().split('\n').at(-1) ?? '').trim();
}
